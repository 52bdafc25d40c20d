// What a rexec.v1 user is shown of a v1 agent's output: whole characters, and what was said before it came.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { V1Rig } from "./v1-rig.ts";

let rig: V1Rig;
beforeAll(async () => {
  rig = await V1Rig.start();
});
afterEach(() => rig.cleanUp());
afterAll(() => rig.close());

describe("a v1 user on a v1 agent", () => {
  it("never cuts a character, wherever the agent's chunks end", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    const text = "aé€𐍈 한글 e\u0301 👩‍👩‍👧‍👦\r\n";
    const bytes = Buffer.from(text);
    let expected = "";
    for (let cut = 1; cut < bytes.length; cut++) {
      agent.output("main", bytes.subarray(0, cut));
      agent.output("main", bytes.subarray(cut));
      expected += text;
    }
    for (const byte of bytes) agent.output("main", Uint8Array.of(byte));
    expected += text;
    await user.until(() => user.text.endsWith(expected), "all of the text");
    expect(user.text).not.toContain("\ufffd");
  });

  it("never cuts a character at 64 KiB", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    const text = `${"€".repeat(120_000)}.`;
    agent.output("main", text);
    await user.sees(".");
    expect(user.text.endsWith(text)).toBe(true);
    expect(user.text).not.toContain("\ufffd");
  });

  it("shows a late joiner the rest of a character that was half there", async () => {
    const agent = await rig.v1Agent();
    const early = await rig.v1Terminal(agent.agentId);
    const euro = Buffer.from("€");
    agent.output("main", Buffer.concat([Buffer.from("price: "), euro.subarray(0, 1)]));
    await early.sees("price: ");
    const late = await rig.v1Terminal(agent.agentId);
    await late.sees("price: ");
    agent.output("main", euro.subarray(1));
    await Promise.all([late.sees("price: €"), early.sees("price: €")]);
    expect(late.text).not.toContain("\ufffd");
  });

  it("shows a late joiner recent output", async () => {
    const agent = await rig.v1Agent();
    const early = await rig.v1Terminal(agent.agentId);
    agent.output("main", "said before\r\n");
    await early.sees("said before");
    const late = await rig.v1Terminal(agent.agentId);
    await late.sees("said before\r\n");
  });

  it("keeps main when the last viewer leaves, and what it says meanwhile", async () => {
    const agent = await rig.v1Agent();
    const first = await rig.v1Terminal(agent.agentId);
    await first.close();
    agent.output("main", "while nobody looked\r\n");
    await agent.wire.settled();
    const next = await rig.v1Terminal(agent.agentId);
    await next.sees("while nobody looked");
    expect(agent.sent("shell_stop")).toEqual([]);
    expect(agent.sent("shell_stop_session")).toEqual([]);
  });
});
