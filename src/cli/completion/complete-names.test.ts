// Which server a line means that is not finished.
import { expect, it } from "vitest";
import { targetFlagsOf } from "./complete-names.ts";

it.each([
  ["--context prod agents rm", { context: "prod" }],
  ["agents rm --context=prod --insecure", { context: "prod", insecure: true }],
  [
    "--server https://a --grpc a:1 --token-file t --ca-file c",
    { server: "https://a", grpc: "a:1", tokenFile: "t", caFile: "c" },
  ],
  ["exec box -- curl --server x", {}],
  ["attach --context", {}],
  ["--constructor x --toString y", {}],
])("%s", (line, flags) => {
  expect(targetFlagsOf(line.split(" "))).toEqual(flags);
});
