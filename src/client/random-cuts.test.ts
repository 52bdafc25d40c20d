// Whatever the connections do: what the consumer got is the shell's output, exactly, with every hole told;
// what the shell got is what was typed, exactly.
import fc from "fast-check";
import { expect, it } from "vitest";
import { type AgentId, MAIN_SESSION } from "../protocol/ids.ts";
import { FakeServer, ManualClock } from "./fake-server.ts";
import { RecordingConsumer } from "./recording-consumer.ts";
import { openTerminal } from "./terminal-connection.ts";

type Step =
  | { do: "print" | "type" | "wait"; size: number }
  | { do: "cut" | "open" | "step" | "deliver" | "consume" | "forget" };

const moves: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("print" as const), size: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("type" as const), size: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), size: fc.integer({ min: 1, max: 3_000 }) }) },
  {
    weight: 12,
    arbitrary: fc
      .constantFrom<Step["do"]>("open", "step", "deliver", "step", "deliver", "consume")
      .map((what) => ({ do: what }) as Step),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "cut" }) },
);
const withForgetting = fc.oneof(
  { weight: 20, arbitrary: moves },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "forget" }) },
);

/** Checks each byte against the shell's output as it comes; a reset moves the position and must account for the jump. */
function run(steps: readonly Step[], ringBytes: number) {
  const server = new FakeServer({ windowBytes: 512, ringBytes, frameBytes: 100 });
  const clock = new ManualClock();
  const state = { at: 0, snapshotBytes: 0, told: 0, typed: 0, printed: 0, unknown: 0, unsent: 0 };
  const consumer = new RecordingConsumer({
    isEager: false,
    onOutput(bytes) {
      if (state.snapshotBytes > 0) return void (state.snapshotBytes = 0);
      expect([...bytes]).toEqual([...server.output.subarray(state.at, state.at + bytes.length)]);
      state.at += bytes.length;
    },
  });
  const remember = consumer.event.bind(consumer);
  let isShown = false;
  consumer.event = (event) => {
    remember(event);
    if (event.type === "gap") {
      expect(event.from).toBe(state.at);
      state.told = event.to;
    } else if (event.type === "reset") {
      if (isShown && event.offset > state.at) expect(state.told).toBe(event.offset);
      isShown = true;
      state.at = event.offset;
      state.snapshotBytes = 1;
    } else if (event.type === "inputLost") {
      state.unknown += event.unknownBytes;
      state.unsent += event.unsentBytes;
    }
  };
  const terminal = openTerminal({
    sockets: server,
    clock,
    random: () => 0.3,
    urls: ["ws://a"],
    agentId: "11111111-1111-4111-8111-111111111111" as AgentId,
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 0,
    consumer,
  });
  const opened = new Set<number>();
  const open = (): void => {
    if (server.connection.isOver || opened.has(server.connections.length)) return;
    opened.add(server.connections.length);
    server.connection.open();
  };
  const cut = (): void => {
    if (!server.connection.isOver) server.connection.down({ kind: "failed", message: "cut" });
  };
  for (const step of steps) {
    if (step.do === "print") server.print(Uint8Array.from({ length: step.size }, () => state.printed++ % 251));
    else if (step.do === "type") terminal.write(Uint8Array.from({ length: step.size }, () => state.typed++ % 241));
    else if (step.do === "wait") clock.advance(step.size);
    else if (step.do === "cut") cut();
    else if (step.do === "open") open();
    else if (step.do === "step") server.step();
    else if (step.do === "deliver") server.connection.deliver();
    else if (step.do === "consume") consumer.consume();
    else server.forgetAttachments();
  }
  for (let i = 0; i < 20; i++) {
    if (server.connection.isOver) clock.advance(10_000);
    open();
    do server.settle();
    while (consumer.consume());
  }
  terminal.close();
  return { server, state };
}

it("shows an exact prefix and types everything exactly once through any cuts", () => {
  fc.assert(
    fc.property(fc.array(moves, { minLength: 50, maxLength: 300 }), (steps) => {
      const { server, state } = run(steps, Number.POSITIVE_INFINITY);
      expect(state.at).toBe(server.output.length);
      expect(server.typed).toEqual(Array.from({ length: state.typed }, (_, i) => i % 241));
      expect(server.futureAcks).toBe(0);
      expect(state.unknown + state.unsent).toBe(0);
    }),
    { numRuns: 300 },
  );
});

it("tells every hole where the ring has overflowed or the attachment was forgotten, and types nothing twice", () => {
  fc.assert(
    fc.property(fc.array(withForgetting, { minLength: 50, maxLength: 300 }), (steps) => {
      const { server, state } = run(steps, 700);
      expect(state.at).toBe(server.output.length);
      expect(server.futureAcks).toBe(0);
      expect(server.typed.length).toBeGreaterThanOrEqual(state.typed - state.unknown - state.unsent);
      expect(server.typed.length).toBeLessThanOrEqual(state.typed - state.unsent);
    }),
    { numRuns: 300 },
  );
});
