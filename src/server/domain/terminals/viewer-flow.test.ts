import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REPLAY_BYTES, VIEWER_WINDOW_BYTES } from "../../../protocol/limits.ts";
import { ViewerFlow } from "./viewer-flow.ts";

describe("a viewer's flow", () => {
  it("asks for a snapshot first and forwards nothing before it", () => {
    const flow = new ViewerFlow(undefined);
    expect(flow.takeReplay(1000)).toEqual({ from: undefined, maxBytes: REPLAY_BYTES });
    expect(flow.takeReplay(1000)).toBeUndefined();
    expect(flow.onOutput(1000, 5)).toEqual({ forward: "none" });
    flow.onSnapshot(1000);
    expect(flow.onOutput(1000, 5)).toEqual({ forward: "whole" });
  });

  it("forwards only the bytes that the viewer has not had", () => {
    const flow = new ViewerFlow(10);
    expect(flow.onOutput(8, 2)).toEqual({ forward: "none" });
    expect(flow.onOutput(8, 4)).toEqual({ forward: "tail", from: 10 });
    expect(flow.next).toBe(12);
  });

  it("does not forward past a hole, and asks for what is missing", () => {
    const flow = new ViewerFlow(0);
    expect(flow.onOutput(5, 5)).toEqual({ forward: "none" });
    expect(flow.takeReplay(10)).toEqual({ from: 0, maxBytes: REPLAY_BYTES });
  });

  it("stops at the window and goes on after an acknowledgement", () => {
    const flow = new ViewerFlow(0);
    expect(flow.onOutput(0, VIEWER_WINDOW_BYTES)).toEqual({ forward: "whole" });
    expect(flow.onOutput(VIEWER_WINDOW_BYTES, 1)).toEqual({ forward: "none" });
    expect(flow.takeReplay(VIEWER_WINDOW_BYTES + 1)).toBeUndefined();
    expect(flow.onAck(VIEWER_WINDOW_BYTES)).toBe("advanced");
    expect(flow.takeReplay(VIEWER_WINDOW_BYTES + 1)).toEqual({ from: VIEWER_WINDOW_BYTES, maxBytes: REPLAY_BYTES });
  });

  it("calls an acknowledgement of what was never sent future", () => {
    const flow = new ViewerFlow(0);
    flow.onOutput(0, 10);
    expect(flow.onAck(11)).toBe("future");
    expect(flow.onAck(10)).toBe("advanced");
    expect(flow.onAck(10)).toBe("old");
    expect(new ViewerFlow(undefined).onAck(0)).toBe("future");
  });

  it("asks again after the agent's link was lost in the middle of a replay", () => {
    const flow = new ViewerFlow(0);
    flow.takeReplay(100);
    flow.onLinkLost();
    expect(flow.takeReplay(100)).toEqual({ from: 0, maxBytes: REPLAY_BYTES });
  });

  it("delivers an exact, bounded stream through any mix of broadcasts, acknowledgements and replays", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("output" as const), bytes: fc.integer({ min: 1, max: 64 * 1024 }) }),
      fc.record({ kind: fc.constant("ack" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant("cut" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const flow = new ViewerFlow(0);
        let head = 0;
        let acked = 0;
        let delivered = 0;
        const feed = (offset: number, length: number) => {
          const verdict = flow.onOutput(offset, length);
          if (verdict.forward === "none") return;
          expect(verdict.forward === "whole" ? offset : verdict.from).toBe(delivered);
          delivered = offset + length;
          expect(delivered - acked).toBeLessThanOrEqual(VIEWER_WINDOW_BYTES);
        };
        const replay = () => {
          for (let request = flow.takeReplay(head); request?.from !== undefined; request = flow.takeReplay(head)) {
            const end = Math.min(request.from + request.maxBytes, head);
            for (let at = request.from; at < end; at += 32 * 1024) feed(at, Math.min(32 * 1024, end - at));
          }
        };
        for (const s of steps) {
          if (s.kind === "output") {
            feed(head, s.bytes);
            head += s.bytes;
          } else if (s.kind === "ack") {
            acked = Math.max(acked, Math.floor(delivered * s.share));
            flow.onAck(acked);
          } else flow.onLinkLost();
          replay();
        }
        for (let round = 0; delivered < head && round < 10_000; round++) {
          acked = delivered;
          flow.onAck(acked);
          replay();
        }
        expect(delivered).toBe(head);
      }),
    );
  });
});
