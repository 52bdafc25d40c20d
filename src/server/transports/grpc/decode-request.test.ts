// Strict decoding, byte by byte.
import { describe, expect, it } from "vitest";
import { AgentServiceService } from "../../../gen/rexec/agent/v1/agent_service.ts";
import { decodeRequest } from "./decode-request.ts";

const { getAgent, updateAgent } = AgentServiceService;
const decodeGet = (hex: string) => decodeRequest(getAgent.requestDeserialize, Buffer.from(hex, "hex"));

describe("a request", () => {
  it.each([
    ["", ""],
    ["0a024142", "AB"],
    ["0a03e282ac", "€"],
    // A field that this version does not know (number 15) is skipped.
    ["0a01417a0142", "A"],
    // The last of a repeated scalar wins.
    ["0a01410a0142", "B"],
  ])("of the bytes [%s] reads as %j", (hex, agentId) => {
    expect(decodeGet(hex)).toEqual({ outcome: "decoded", request: { agentId } });
  });

  it.each([
    ["a tag of zero, where the generated decoder would stop in silence", "0a014100ffff"],
    ["a tag of zero at its end", "0a014100"],
    ["an end of a group that never began", "0a01410c"],
    ["a string shorter than its length", "0a0541"],
    ["a length beyond the end", "0affffffff0f41"],
    ["a varint that never ends", "ffffffffffffffffffffffff"],
    ["invalid UTF-8", "0a02c328"],
    ["a UTF-8 surrogate", "0a03eda080"],
    ["an unknown wire type", "0f"],
  ])("is undecodable with %s", (_, hex) => {
    expect(decodeGet(hex)).toMatchObject({ outcome: "undecodable" });
  });

  it("is undecodable where a message inside it is cut", () => {
    const bytes = Buffer.from("0a030a0541", "hex");
    expect(decodeRequest(updateAgent.requestDeserialize, bytes)).toMatchObject({ outcome: "undecodable" });
  });
});
