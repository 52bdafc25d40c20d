// config.yaml: written, read back, and refused by line where it is more than we read.
import { describe, expect, it } from "vitest";
import { parseContexts, renderContexts } from "./contexts.ts";

describe("contexts", () => {
  it("reads back what it writes", () => {
    const contexts = new Map([
      ["local", { host: "http://127.0.0.1:7070", grpc: "127.0.0.1:7071", insecure: false }],
      ["lab.example", { host: "http://lab.example:7070", grpc: "lab.example:7071", insecure: true }],
    ]);
    const file = { current: "local", contexts };
    expect(parseContexts(renderContexts(file))).toEqual(file);
    expect(parseContexts(renderContexts({ current: undefined, contexts: new Map() })).contexts.size).toBe(0);
  });

  it("reads comments, quotes and empty lines", () => {
    const text = '# mine\ncurrent_context: "a"  # now\n\ncontexts:\n  "a":\n    host: "https://x"\n    grpc: x:1\n';
    expect(parseContexts(text)).toEqual({
      current: "a",
      contexts: new Map([["a", { host: "https://x", grpc: "x:1", insecure: false }]]),
    });
  });

  it.each([
    ["contexts:\n  - a\n", "line 2"],
    ["contexts:\n    host: x\n", "line 2"],
    ["token: abc\n", "line 1"],
    ["contexts:\n  a:\n    password: x\n", "line 3"],
  ])("refuses what it does not read, and says where: %j", (text, where) => {
    expect(() => parseContexts(text)).toThrow(where);
  });
});
