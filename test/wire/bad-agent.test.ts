// What no honest agent says, on real sockets, and sizes that can't be on a real terminal.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import { plainShell } from "../agent/agent-under-test.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { emptyControl } from "./empty-control.ts";
import { Strangers } from "./strangers.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

let strangers: Strangers;
beforeAll(async () => {
  strangers = await Strangers.start();
});
afterEach(() => strangers.leave());
afterAll(() => strangers.close());

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("an agent", () => {
  it("that sends anything but hello first is closed with 1008", async () => {
    const first: Buffer[] = [
      Buffer.from(encodeDataFrame({ type: FRAME.OUTPUT, stream: 1, attachment: 0, offset: 0 }, Buffer.from("x"))),
      Buffer.from(encodeDataFrame({ type: FRAME.INPUT_ACK, stream: 1, attachment: 1, offset: 0 })),
    ];
    for (const frame of first) {
      const { wire } = await strangers.agentSocket();
      wire.socket.send(frame);
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "hello first" });
    }
    const { wire } = await strangers.agentSocket();
    wire.control(emptyControl("sessionStarted"));
    expect(await wire.closed).toMatchObject({ code: 1008, reason: "hello first" });
  });

  it("that says hello twice is closed with 1008, and one with a bad boot id with 4400", async () => {
    const twice = await strangers.agent();
    twice.hello();
    expect(await twice.wire.closed).toMatchObject({ code: 1008, reason: "hello twice" });
    for (const bootId of ["", "short", "x".repeat(65), "with space in it"]) {
      const bad = await strangers.agentSocket();
      bad.hello({ bootId });
      expect(await bad.wire.closed).toMatchObject({ code: 4400, reason: "bad boot id" });
    }
  });

  it("that reports times and figures that can't be harms nobody", async () => {
    const box = await strangers.agent();
    const someone = strangers.keep(
      await V2Viewer.open(strangers.server.wsUrl, box.agentId, { token: strangers.server.adminToken }),
    );
    const v1 = await WireSocket.dial(`${strangers.server.wsUrl}/ws/agent/${box.agentId}/terminal`, {
      token: strangers.server.adminToken,
    });
    strangers.keep({ wire: v1 });
    await v1.jsonOf("shell_started");
    // stats { measured_at { seconds: 2^53 - 1 }, cpu_percent: NaN }
    box.wire.socket.send(hex("10 2a 14 0a 09 08 ff ff ff ff ff ff ff 0f 11 00 00 00 00 00 00 f8 7f"));
    const stats = await someone.wire.controlOf("stats");
    expect(stats.cpuPercent).toBeUndefined();
    expect(Math.abs(stats.measuredAt!.getTime() - Date.now())).toBeLessThan(60_000);
    expect((await v1.jsonOf("stats")).data).toMatchObject({ cpu_percent: 0 });
  });

  it("that answers for requests, attachments and shells that nobody knows harms nobody", async () => {
    const box = await strangers.agent();
    for (const $case of [
      "attached",
      "attachRefused",
      "snapshot",
      "gap",
      "resized",
      "sessionEnded",
      "execResult",
      "error",
    ] as const)
      for (let i = 0; i < 20; i++) box.wire.control(emptyControl($case));
    for (let i = 0; i < 20; i++) {
      const header = { stream: i, attachment: i, offset: i };
      box.wire.socket.send(encodeDataFrame({ type: FRAME.OUTPUT, ...header }, Buffer.from("x")));
      box.wire.socket.send(encodeDataFrame({ type: FRAME.INPUT_ACK, ...header }));
    }
    await box.wire.settled();
    const someone = strangers.keep(
      await V2Viewer.open(strangers.server.wsUrl, box.agentId, { token: strangers.server.adminToken }),
    );
    box.output("hello");
    await someone.sees("hello");
  });
});

describe("a resize that can't be", () => {
  it("leaves a real terminal's size as it is", async () => {
    const { agentId, token } = await strangers.server.registerAgent();
    const real: RunningAgent = startAgent({
      servers: [strangers.server.wsUrl],
      agentId,
      token,
      logger: silentLogger,
      shell: plainShell(),
    });
    await new Promise<void>((resolve) => real.onState(({ kind }) => kind === "connected" && resolve()));
    const someone = strangers.keep(
      await V2Viewer.open(strangers.server.wsUrl, agentId, { token: strangers.server.adminToken }),
    );
    const bad = [
      [0, 24],
      [80, 0],
      [-1, 24],
      [80, -1],
      [1001, 24],
      [80, 1001],
      [65_537, 24],
      [80, 65_537],
    ] as const;
    // As bytes: -1 is what a sloppy client makes of it, ten bytes of varint.
    for (const [cols, rows] of bad) someone.wire.socket.send(resizeFrame(cols, rows));
    expect(await someone.wire.controlOf("error", bad.length)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    await someone.type("stty size\r");
    await someone.sees("24 80\r\n");
    someone.wire.socket.send(resizeFrame(1000, 1000));
    expect(await someone.wire.controlOf("resized")).toMatchObject({ cols: 1000, rows: 1000 });
    await someone.type("stty size\r");
    await someone.sees("1000 1000\r\n");
    await real.stop("test over");
  });
});

function resizeFrame(cols: number, rows: number): Buffer {
  const body = [0x10, ...varint(cols), 0x18, ...varint(rows)];
  return Buffer.from([FRAME.CONTROL, 0xf2, 0x01, body.length, ...body]);
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}
