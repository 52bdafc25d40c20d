// Control messages and data frames that only the other side may send: CONTROL_SENDERS, row by row, on real sockets.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CONTROL_SENDERS, type ControlCase } from "../../src/protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import { emptyControl } from "./empty-control.ts";
import { Strangers } from "./strangers.ts";

let strangers: Strangers;
beforeAll(async () => {
  strangers = await Strangers.start();
});
afterEach(() => strangers.leave());
afterAll(() => strangers.close());

describe("control messages from the wrong sender", () => {
  for (const $case of Object.keys(CONTROL_SENDERS) as ControlCase[]) {
    const senders: readonly string[] = CONTROL_SENDERS[$case];
    if (!senders.includes("viewer")) {
      it(`${$case} of a viewer is an unknown message`, async () => {
        const { wire } = await strangers.viewer();
        for (let i = 0; i < 9; i++) wire.control(emptyControl($case));
        expect(await wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
        wire.control(emptyControl($case));
        expect(await wire.closed).toMatchObject({ code: 1003 });
      });
    }
    if (!senders.includes("agent")) {
      it(`${$case} of an agent is an unknown message`, async () => {
        const { wire } = await strangers.agent();
        for (let i = 0; i < 9; i++) wire.control(emptyControl($case));
        expect(await wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
        wire.control(emptyControl($case));
        expect(await wire.closed).toMatchObject({ code: 1003 });
      });
    }
  }

  it.each([FRAME.OUTPUT, FRAME.INPUT_ACK])("data of type %d of a viewer is an unknown message", async (type) => {
    const someone = await strangers.viewer();
    const bytes = type === FRAME.OUTPUT ? Buffer.from("x") : undefined;
    for (let i = 0; i < 9; i++) await someone.sendData({ type, offset: 0 }, bytes);
    expect(await someone.wire.controlOf("error", 9)).toMatchObject({ reason: "UNKNOWN_MESSAGE_TYPE" });
    await someone.sendData({ type, offset: 0 }, bytes);
    expect(await someone.wire.closed).toMatchObject({ code: 1003 });
  });

  it.each([FRAME.INPUT, FRAME.OUTPUT_ACK])("data of type %d of an agent is an unknown message", async (type) => {
    const { wire } = await strangers.agent();
    const bytes = type === FRAME.INPUT ? Buffer.from("x") : undefined;
    const frame = encodeDataFrame({ type, stream: 1, attachment: 1, offset: 0 }, bytes);
    for (let i = 0; i < 10; i++) wire.socket.send(frame);
    expect(await wire.closed).toMatchObject({ code: 1003 });
  });
});
