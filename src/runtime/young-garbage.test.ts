import { expect, it } from "vitest";
import { YoungGarbage } from "./young-garbage.ts";

const MIB = 1024 * 1024;

it("collects once for every 6 MiB", () => {
  let collections = 0;
  const garbage = new YoungGarbage(() => {
    collections += 1;
  });
  for (let sent = 0; sent < 30 * MIB; sent += 32 * 1024) garbage.made(32 * 1024);
  expect(collections).toBe(5);
});

it("frees a flood's buffers with the collector of this Node", () => {
  const garbage = new YoungGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let sent = 0; sent < 60 * MIB; sent += 32 * 1024) garbage.made(Buffer.allocUnsafeSlow(32 * 1024).length);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * MIB);
});
