// One agent with viewers here and on other instances: who gets what of it, under whose names.
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer, RecordingAgentLink, RecordingRoute } from "../../../../test/support/terminal-links.ts";
import { AGENT_STATE, type ControlOf } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../../protocol/data-frame.ts";
import type { AgentId, BootId, UserId } from "../../../protocol/ids.ts";
import { HeldAgent } from "./held-agent.ts";

const STREAM = 7;
const OTHER_STREAM = 8;
const started = { stream: STREAM, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };

let agent: RecordingAgentLink;
let held: HeldAgent;
let [one, two]: RecordingRoute[] = [];
let attachments: number;
beforeEach(() => {
  agent = new RecordingAgentLink();
  attachments = 0;
  held = new HeldAgent(
    { id: "agent" as AgentId, userId: "owner" as UserId },
    { onSession() {}, onViewer() {} },
    manualClock(),
  );
  held.linkUp(agent, "boot-one" as BootId, [started, { ...started, stream: OTHER_STREAM, sessionId: "split-a" }]);
  [one, two] = ["one", "two"].map((peer) => {
    const route = new RecordingRoute(peer);
    route.events = held.openRelays().add(route);
    return route;
  });
});

const aRequest = { attachmentKey: new Uint8Array(16), userId: "user", sessionId: "main", cols: 80, rows: 24 };
function ask(route: RecordingRoute, requestId: number): void {
  const value = { ...aRequest, requestId, create: true, resumeStream: 0, readOnly: false, program: undefined };
  route.says({ $case: "attach", value });
}

/** The agent's answer to the last attach. */
function answer(fields: Partial<ControlOf<"attached">> = {}): number {
  const { requestId, sessionId, cols, rows } = agent.of("attach").at(-1)!;
  const answered = { requestId, attachment: ++attachments, stream: STREAM, sessionId, cols, rows };
  const value = { ...answered, resumed: false, inputOffset: 0, outputOffset: 0, ...fields };
  held.onAgentControl({ $case: "attached", value });
  return value.attachment;
}

function attach(route: RecordingRoute, fields: Partial<ControlOf<"attached">> = {}): number {
  ask(route, 1);
  return answer(fields);
}

function attachHere(fields: Partial<ControlOf<"attached">> = {}) {
  const made = aViewer();
  held.addViewer(made.viewer);
  answer(fields);
  return made;
}

const data = (type: (typeof FRAME)["INPUT" | "OUTPUT" | "OUTPUT_ACK"], attachment: number, text = "") =>
  encodeDataFrame({ type, stream: STREAM, attachment, offset: 0 }, Buffer.from(text));
function print(text: string, { attachment = 0, stream = STREAM, offset = 0 } = {}): void {
  held.onAgentFrame(encodeDataFrame({ type: FRAME.OUTPUT, stream, attachment, offset }, Buffer.from(text)));
}

describe("what an instance asks of another's agent", () => {
  it("reaches the agent under a name that is nobody else's, and the answer comes back under its own", () => {
    const here = aViewer();
    held.addViewer(here.viewer);
    ask(one!, 1);
    ask(two!, 1);
    const asked = agent.of("attach");
    expect(new Set(asked.map(({ requestId }) => requestId)).size).toBe(3);
    for (const { requestId } of asked.toReversed()) answer({ requestId });
    expect(here.link.of("opened")).toMatchObject([{ attachment: 3 }]);
    expect(one!.of("attached")).toMatchObject([{ requestId: 1, attachment: 2, stream: STREAM }]);
    expect(two!.of("attached")).toMatchObject([{ requestId: 1, attachment: 1, stream: STREAM }]);
  });

  it("and is refused is refused to it alone", () => {
    ask(one!, 5);
    const { requestId } = agent.of("attach").at(-1)!;
    held.onAgentControl({
      $case: "attachRefused",
      value: { requestId, reason: "SESSION_NOT_FOUND", ended: undefined },
    });
    expect(one!.of("attachRefused")).toMatchObject([{ requestId: 5, reason: "SESSION_NOT_FOUND" }]);
    expect(two!.controls).toEqual([]);
  });

  it("is run for it, and its result goes to nobody else, though all give it the same name", () => {
    const here = aViewer({});
    held.execs.add(here.viewer, "id", 0);
    for (const route of [one!, two!]) route.says({ $case: "exec", value: { execId: "x1", command: "id" } });
    const ids = agent.of("exec").map(({ execId }) => execId);
    expect(new Set([...ids, "x1"]).size).toBe(3);
    const result = { command: "id", output: "0", success: true, error: "" };
    held.onAgentControl({ $case: "execResult", value: { ...result, execId: ids[1]! } });
    held.onAgentControl({ $case: "execResult", value: { ...result, execId: "x1" } });
    expect([one!.of("execResult"), two!.of("execResult")]).toEqual([[], [{ ...result, execId: "x1" }]]);
    expect(here.link.of("execResult")).toEqual([{ ...result, execId: "x1" }]);
  });

  it("is given back where it has gone before the answer", () => {
    ask(one!, 1);
    one!.close();
    const attachment = answer();
    expect(agent.of("detach")).toEqual([{ attachment, linger: true }]);
    expect(held.openRelays().count()).toEqual({ direct: 1, redis: 0 });
  });
});

describe("output", () => {
  it("goes once to each instance that has viewers of its stream, and to no other", () => {
    attach(one!);
    attach(one!);
    attach(two!, { stream: OTHER_STREAM });
    print("main");
    expect([one!.text, two!.text]).toEqual(["main", ""]);
  });

  it("that was asked for again goes to who asked, also by a full route", () => {
    const attachment = attach(one!);
    attach(two!);
    one!.isFull = true;
    print("again", { attachment });
    expect([one!.text, two!.text]).toEqual(["again", ""]);
  });

  it("for everybody is left out where a route is full, which hears where the stream stands when there is room", () => {
    attach(one!);
    attach(two!);
    one!.isFull = true;
    print("12345");
    print("678", { offset: 5 });
    expect([one!.text, two!.text]).toEqual(["", "12345678"]);
    one!.isFull = false;
    one!.events?.onRoom();
    one!.events?.onRoom();
    expect(one!.of("sessionStarted")).toEqual([{ ...started, offset: 8 }]);
    expect(two!.of("sessionStarted")).toEqual([]);
  });

  it("of a stream that it looks at no more is nothing that a full route hears of", () => {
    const attachment = attach(one!);
    one!.isFull = true;
    print("12345");
    one!.says({ $case: "detach", value: { attachment, linger: false } });
    one!.isFull = false;
    one!.events?.onRoom();
    expect(one!.of("sessionStarted")).toEqual([]);
  });
});

describe("what every instance hears", () => {
  it("are shells that begin, change and end, and that the agent is late", () => {
    held.onAgentControl({ $case: "sessionStarted", value: { ...started, stream: 9, sessionId: "split-b" } });
    held.onAgentControl({ $case: "resized", value: { stream: 9, attachment: 0, cols: 90, rows: 30 } });
    held.onAgentControl({
      $case: "sessionEnded",
      value: { stream: 9, sessionId: "split-b", endOffset: 0, exitCode: 1, reason: "exited" },
    });
    held.openRelays().tellAll({ $case: "agentState", value: { state: AGENT_STATE.SUSPECT } });
    for (const route of [one!, two!]) {
      const told = route.controls.map(({ $case }) => $case);
      expect(told).toEqual(["sessionStarted", "resized", "sessionEnded", "agentState"]);
    }
  });
});

describe("what an instance's viewers do", () => {
  it("reaches the agent where the attachment and the stream are that instance's, and else does not", () => {
    const attachment = attach(one!);
    two!.says(data(FRAME.INPUT, attachment, "stolen"));
    one!.says(encodeDataFrame({ type: FRAME.INPUT, stream: OTHER_STREAM, attachment, offset: 0 }, Buffer.from("lost")));
    two!.says({ $case: "resize", value: { attachment, cols: 1, rows: 1 } });
    two!.says({ $case: "detach", value: { attachment, linger: false } });
    one!.says(data(FRAME.INPUT, attachment, "typed"));
    one!.says({ $case: "resize", value: { attachment, cols: 90, rows: 30 } });
    expect(agent.text).toBe("typed");
    expect([STREAM, OTHER_STREAM].map((stream) => held.sessions.get(stream)?.inputBytes)).toEqual([5, 0]);
    expect(agent.of("resize")).toEqual([{ attachment, cols: 90, rows: 30 }]);
    expect(agent.of("detach")).toEqual([]);
  });

  it.each([
    ["output", data(FRAME.OUTPUT, 1, "made up")],
    ["a frame that is none", Buffer.from([0x77])],
    ["a control frame that is none", Buffer.from([FRAME.CONTROL, 0xff])],
  ])("ends the route where it is %s", (_, frame) => {
    one!.says(frame);
    expect([one!.ended, two!.ended]).toEqual([true, false]);
    expect(agent.frames).toEqual([]);
  });

  it("counts no more when its route has ended, and its attachments wait for it", () => {
    const [attachment, other] = [attach(one!), attach(two!)];
    one!.close();
    one!.says(data(FRAME.INPUT, attachment, "late"));
    expect(agent.text).toBe("");
    expect(agent.of("detach")).toEqual([{ attachment, linger: true }]);
    two!.says(data(FRAME.INPUT, other, "on"));
    expect(agent.text).toBe("on");
  });
});

describe("an attachment whose viewer comes back by another way", () => {
  it("is let go of by the instance that had it, and typed to from the new one alone", () => {
    const attachment = attach(one!);
    attach(two!, { attachment });
    expect(one!.of("detach")).toEqual([{ attachment, linger: true }]);
    one!.says(data(FRAME.INPUT, attachment, "old"));
    two!.says(data(FRAME.INPUT, attachment, "new"));
    // The old one's farewell takes nothing from the new one.
    one!.says({ $case: "detach", value: { attachment, linger: false } });
    print("for all");
    expect([agent.text, one!.text, two!.text]).toEqual(["new", "", "for all"]);
    expect(agent.of("detach")).toEqual([]);
  });

  it("from here to another instance closes the connection here", () => {
    const { link, viewer } = attachHere({ attachment: 41 });
    attach(one!, { attachment: 41 });
    expect(link.closed).toMatchObject({ code: 1000 });
    expect(held.viewers.has(viewer)).toBe(false);
    print("there", { attachment: 41 });
    expect([link.text, one!.text]).toEqual(["", "there"]);
  });

  it("from another instance to here is that instance's no more", () => {
    attach(one!, { attachment: 41 });
    const { link } = attachHere({ attachment: 41 });
    expect(one!.of("detach")).toEqual([{ attachment: 41, linger: true }]);
    one!.says(data(FRAME.INPUT, 41, "old"));
    print("here");
    expect([agent.text, one!.text]).toEqual(["", ""]);
    expect(link.closed).toBeUndefined();
  });
});

it("an agent that goes takes all routes to it along, once", () => {
  attach(one!);
  held.linkDown(agent);
  expect([one!.ended, two!.ended, held.openRelays().count().direct]).toEqual([true, true, 0]);
  one!.says(data(FRAME.INPUT, 1, "late"));
  expect([agent.text, agent.of("detach")]).toEqual(["", []]);
});
