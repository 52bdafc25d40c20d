// Subprotocols and sizes as they come from strangers.
import { describe, expect, it } from "vitest";
import { chooseProtocol, tokenFromSubprotocols, tokenSubprotocol } from "./subprotocol.ts";
import { isTerminalSize } from "./terminal-size.ts";

describe("subprotocols", () => {
  it("speaks v2 with who offers it, in any place, and v1 with everybody else", () => {
    expect(chooseProtocol(["rexec.v1", "rexec.v2"])).toBe("rexec.v2");
    expect(chooseProtocol(["rexec.token.x", "rexec.v2"])).toBe("rexec.v2");
    expect(chooseProtocol([])).toBe("rexec.v1");
    expect(chooseProtocol(["rexec.v3", "REXEC.V2"])).toBe("rexec.v1");
  });

  it("finds the token that it has packed", () => {
    expect(tokenFromSubprotocols(["rexec.v2", tokenSubprotocol("abc")])).toBe("abc");
    expect(tokenFromSubprotocols(["rexec.v2", "token.abc"])).toBeUndefined();
  });
});

describe("a terminal's size", () => {
  it("is within 1…1000 each", () => {
    for (const [cols, rows] of [
      [1, 1],
      [80, 24],
      [1000, 1000],
    ])
      expect(isTerminalSize(cols, rows)).toBe(true);
    for (const bad of [
      0,
      -1,
      1001,
      65_537,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "80",
      null,
      undefined,
      true,
      [80],
    ]) {
      expect(isTerminalSize(bad, 24)).toBe(false);
      expect(isTerminalSize(80, bad)).toBe(false);
    }
  });
});
