// The JSON of rexec.v1 as strangers write it.
import { describe, expect, it } from "vitest";
import { MAX_CONTROL_BYTES } from "../../../../protocol/limits.ts";
import { agentMessage, parseMessage, statsFromV1, statsToV1, systemInfoFromV1, userMessage } from "./messages.ts";

const ofAgent = (message: unknown) => parseMessage(agentMessage, JSON.stringify(message));
const ofUser = (message: unknown) => parseMessage(userMessage, JSON.stringify(message));

describe("a v1 message", () => {
  it("that is no JSON, and one that is none of the protocol's, are told apart", () => {
    for (const text of ["", "{", "x", "\u0000"]) expect(parseMessage(userMessage, text)).toBe("not_json");
    for (const message of [null, 1, "input", [], {}, { type: "x" }, { type: "input" }, { type: "input", data: 1 }])
      expect(ofUser(message)).toBe("unknown");
    expect(ofAgent({ type: "input", data: "x" })).toBe("unknown");
  });

  it("of a resize is one whatever its size is: that is looked at later", () => {
    for (const cols of [80, 0, "80", null, 1.5])
      expect(ofUser({ type: "resize", cols, rows: 24 })).toMatchObject({ cols });
    expect(ofUser({ type: "resize" })).toMatchObject({ type: "resize" });
  });

  it("of a pong may carry what Go writes for nothing", () => {
    expect(ofAgent({ type: "pong", data: null })).toMatchObject({ type: "pong" });
  });

  it("of system information is taken with what it has", () => {
    const message = ofAgent({
      type: "system_info",
      data: { os: "linux", num_cpu: 1e30, memory: null, disk: { total: -1 } },
    });
    if (typeof message === "string" || message.type !== "system_info") throw new Error("not taken");
    expect(systemInfoFromV1(message.data)).toMatchObject({
      os: "linux",
      cpuCount: 0,
      memoryTotalBytes: 0,
      diskTotalBytes: 0,
    });
  });

  it("of statistics keeps what can be, and a v1 user is given a number everywhere", () => {
    const message = ofAgent({
      type: "stats",
      data: { cpu_percent: "x", memory: 1.9, memory_limit: 2 ** 60, disk_usage: 5 },
    });
    if (typeof message === "string" || message.type !== "stats") throw new Error("not taken");
    const stats = statsFromV1(message.data);
    expect(stats).toMatchObject({ cpuPercent: undefined, memoryUsedBytes: 1, memoryTotalBytes: undefined });
    expect(statsToV1(stats)).toEqual({ cpu_percent: 0, memory: 1, memory_limit: 0, disk_usage: 5, disk_limit: 0 });
  });

  it("of a result is cut to what one control frame carries, at a character's end", () => {
    const message = ofAgent({
      type: "exec_result",
      data: { command: "x", output: "€".repeat(500_000), error: "e".repeat(5000) },
    });
    if (typeof message === "string" || message.type !== "exec_result") throw new Error("not taken");
    expect(Buffer.byteLength(message.data.output)).toBeLessThan(MAX_CONTROL_BYTES);
    expect(message.data.output).toMatch(/^€+$/);
    expect(message.data.error).toHaveLength(1000);
    expect(message.data.success).toBe(false);
  });
});
