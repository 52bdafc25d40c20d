// What a WebSocket handshake carries, and which pages may make one.
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { isOriginAllowed, offeredProtocols, presentedToken } from "./credentials.ts";

const request = (headers: Record<string, string>) => ({ headers }) as unknown as IncomingMessage;
const url = (query = "") => new URL(`http://localhost/ws/agent/x${query}`);

describe("a token", () => {
  it.each([
    ["the header first", { authorization: "Bearer a", "sec-websocket-protocol": "rexec.token.b" }, "?token=c", "a"],
    ["then the subprotocol", { "sec-websocket-protocol": "rexec.v2, rexec.token.b" }, "?token=c", "b"],
    ["then the query", { "sec-websocket-protocol": "rexec.v2" }, "?token=c", "c"],
    ["another kind of authorization is none", { authorization: "Basic dTpw" }, "?token=c", "c"],
    ["an empty bearer is none", { authorization: "Bearer " }, "?token=c", "c"],
    ["a header of any case", { authorization: "bEARER  a" }, "", "a"],
    ["an empty subprotocol is none", { "sec-websocket-protocol": "rexec.token." }, "?token=c", "c"],
    ["nothing at all", {}, "", ""],
    ["two words are no token", { authorization: "Bearer a b" }, "", ""],
  ])("%s", (_what, headers: Record<string, string>, query, token) => {
    expect(presentedToken(request(headers), url(query))).toBe(token);
  });

  it("is among protocols that are offered with any spaces", () => {
    expect(offeredProtocols(request({ "sec-websocket-protocol": "a ,b,  c" }))).toEqual(["a", "b", "c"]);
  });
});

describe("an origin", () => {
  const host = "rexec.example:7070";
  it.each([
    [undefined, true],
    ["https://rexec.example:7070", true],
    ["https://friend.example", true],
    ["https://rexec.example", false],
    ["https://rexec.example:7071", false],
    ["https://rexec.example:7070.evil.example", false],
    ["https://evil.example", false],
    ["https://friend.example.evil.example", false],
    ["http://friend.example", false],
    ["null", false],
    ["", false],
    ["rexec.example:7070", false],
  ])("%s: %s", (origin, allowed) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    expect(isOriginAllowed(request(headers), ["https://friend.example"])).toBe(allowed);
  });

  it("is nobody's own where the request names no host", () => {
    expect(isOriginAllowed(request({ origin: "https://rexec.example" }), [])).toBe(false);
  });
});
