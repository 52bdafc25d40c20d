import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { capYoungGeneration, youngGenerationBytes } from "./young-generation.ts";

const MIB = 1024 * 1024;

it("a storm does not make the young generation of this Node larger than it needs to be", async () => {
  capYoungGeneration();
  // As many small objects as a storm makes, of which many live for a while.
  const alive: object[] = [];
  for (let made = 0; made < 2_000_000; made++) {
    alive.push({ made, parts: [made, made + 1] });
    if (alive.length > 1_000_000) alive.splice(0, 500_000);
    if (made % 2_000 === 0) await setImmediate();
  }
  expect(youngGenerationBytes()).toBeGreaterThanOrEqual(16 * MIB);
  expect(youngGenerationBytes()).toBeLessThanOrEqual(32 * MIB);
});
