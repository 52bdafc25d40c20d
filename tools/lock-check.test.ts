import { expect, test } from "vitest";
import { findLockGaps } from "./lock-check.js";

test("a platform package missing from the lock is a gap", () => {
  const tool = { version: "1.0.0", optionalDependencies: { "tool-linux": "1.0.0", "tool-darwin": "1.0.0" } };

  const gaps = findLockGaps({
    name: "rexec",
    packages: {
      "": { devDependencies: { tool: "1.0.0" } },
      "node_modules/tool": tool,
      "node_modules/tool-linux": { version: "1.0.0" },
    },
  });

  expect(gaps).toEqual(["node_modules/tool needs tool-darwin@1.0.0, which is not locked"]);
});

test("a platform package locked at another version is a gap", () => {
  const gaps = findLockGaps({
    name: "rexec",
    packages: {
      "": { dependencies: { tool: "^1.0.0" } },
      "node_modules/tool": { version: "1.2.0", optionalDependencies: { "tool-linux": "1.2.0" } },
      "node_modules/tool-linux": { version: "1.1.0" },
    },
  });

  expect(gaps).toEqual(["node_modules/tool needs tool-linux@1.2.0, locked is 1.1.0"]);
});

test("packages are found nested, further up, scoped and through links", () => {
  const gaps = findLockGaps({
    name: "rexec",
    packages: {
      "": { dependencies: { "@a/one": "1.0.0", local: "file:tools/local" } },
      "node_modules/@a/one": { version: "1.0.0", dependencies: { two: "^2.0.0", three: "^3.0.0" } },
      "node_modules/@a/one/node_modules/two": { version: "2.0.0", dependencies: { three: "^3.0.0" } },
      "node_modules/three": { version: "3.0.0" },
      "node_modules/local": { resolved: "tools/local", link: true },
      "tools/local": { version: "1.0.0", optionalDependencies: { three: "^3.0.0" } },
    },
  });

  expect(gaps).toEqual([]);
});
