// A route as an agent's link: from the greeting to the end, whenever that comes.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RecordingRoute } from "../../../../test/support/terminal-links.ts";
import { AGENT_STATE, type ControlMessage } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, readHeader } from "../../../protocol/data-frame.ts";
import type { AgentId, ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import { RouteLink } from "./route-link.ts";
import type { RouteEvents } from "./routes.ts";

const location = {
  agentId: "agent" as AgentId,
  instanceId: "holder" as InstanceId,
  connectionId: "connection" as ConnectionId,
  protocol: "rexec.v2" as const,
  epoch: 1,
};
const started = { stream: 1, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };
const hello = { bootId: "boot-one", version: "", systemInfo: undefined, sessions: [started] };
const HELLO: ControlMessage = { $case: "agentHello", value: hello };

let route: RecordingRoute;
let link: RouteLink;
let told: string[];
beforeEach(() => {
  vi.useFakeTimers();
  route = new RecordingRoute("holder");
  link = new RouteLink(location);
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const events = {
  onFrame: (frame: Uint8Array) => {
    readHeader(frame);
    told.push(Buffer.from(frameBytes(frame)).toString());
  },
  onControl: ({ $case }: ControlMessage) => void told.push($case),
  onEnd: () => void told.push("end"),
};
function open(opens: (events: RouteEvents) => Promise<RecordingRoute | undefined> = async () => route) {
  return link.open(
    {
      open(_, given) {
        route.events = given;
        return opens(given);
      },
    },
    location,
    events,
  );
}
async function greeted(): Promise<void> {
  const opening = open();
  await vi.advanceTimersByTimeAsync(0);
  route.says(HELLO);
  expect(await opening).toEqual(hello);
}
const output = (text: string) =>
  encodeDataFrame({ type: FRAME.OUTPUT, stream: 1, attachment: 0, offset: 0 }, Buffer.from(text));

describe("opening", () => {
  it("tells what runs once the holder has greeted", async () => {
    await greeted();
    expect([link.via, link.connectionId, link.protocol]).toEqual(["holder", "connection", "rexec.v2"]);
    expect(route.ended).toBe(false);
  });

  it("finds nothing where there is no way, and where the way ends before a greeting", async () => {
    expect(await open(async () => undefined)).toBeUndefined();
    const opening = open();
    await vi.advanceTimersByTimeAsync(0);
    route.close();
    expect(await opening).toBeUndefined();
    expect(told).toEqual([]);
  });

  it("gives up a holder that says nothing for three seconds, however long the way to it took", async () => {
    const opening = open(async () => {
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      return route;
    });
    await vi.advanceTimersByTimeAsync(6_900);
    expect(route.ended).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(await opening).toBeUndefined();
    expect(route.ended).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each<[string, ControlMessage | Uint8Array]>([
    ["something else", { $case: "agentState", value: { state: AGENT_STATE.ONLINE } }],
    ["output", output("early")],
    ["no frame", Buffer.from([FRAME.CONTROL, 0xff])],
    ["nothing at all", new Uint8Array()],
  ])("gives up a holder whose first word is %s", async (_, word) => {
    const opening = open();
    await vi.advanceTimersByTimeAsync(0);
    route.says(word);
    expect(await opening).toBeUndefined();
    expect([route.ended, told]).toEqual([true, []]);
  });
});

describe("what comes behind the greeting", () => {
  it("waits for the start, and keeps its order", async () => {
    await greeted();
    route.says(output("one"));
    route.says({ $case: "resized", value: { stream: 1, attachment: 0, cols: 90, rows: 30 } });
    expect(told).toEqual([]);
    link.start();
    route.says(output("two"));
    expect(told).toEqual(["one", "resized", "two"]);
  });

  it("is the agent's word or its holder's; anything else ends the route", async () => {
    await greeted();
    link.start();
    route.says({ $case: "agentState", value: { state: AGENT_STATE.SUSPECT } });
    route.says({ $case: "detach", value: { attachment: 1, linger: true } });
    expect(told).toEqual(["agentState", "detach"]);
    route.says({ $case: "resize", value: { attachment: 1, cols: 1, rows: 1 } });
    expect(route.ended).toBe(false);
    route.says(Buffer.from([0x77]));
    expect(route.ended).toBe(true);
    expect(told.at(-1)).toBe("end");
  });

  it("ends the route where it is more than can wait", async () => {
    await greeted();
    for (let n = 0; n <= 10_000; n++) route.says(output("x"));
    expect(route.ended).toBe(true);
  });
});

describe("the end", () => {
  it("is told once", async () => {
    await greeted();
    link.start();
    route.close();
    link.close();
    expect(told).toEqual(["end"]);
  });

  it("that came before the start can be seen, so that nobody takes up a link that is over", async () => {
    await greeted();
    expect(link.hasEnded).toBe(false);
    route.close();
    expect(link.hasEnded).toBe(true);
  });
});

it("what the viewers here say goes out as it is", async () => {
  await greeted();
  link.start();
  link.sendFrame(encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 3, offset: 9 }, Buffer.from("typed")));
  link.sendControl({ $case: "detach", value: { attachment: 3, linger: false } });
  expect(route.frames).toMatchObject([{ header: { type: FRAME.INPUT, attachment: 3, offset: 9 }, text: "typed" }]);
  expect(route.of("detach")).toEqual([{ attachment: 3, linger: false }]);
  expect(await link.probe()).toBe(false);
});
