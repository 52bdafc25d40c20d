// One shell, its agent on one instance and viewers on three: whatever the routes leave out, each viewer has every byte once.
import { describe, expect, it } from "vitest";
import { manualClock } from "../../../../test/support/manual-clock.ts";
import { aViewer } from "../../../../test/support/terminal-links.ts";
import { type ControlMessage, encodeControl } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, readHeader } from "../../../protocol/data-frame.ts";
import type { AgentId, BootId, ConnectionId, InstanceId, UserId } from "../../../protocol/ids.ts";
import { MAX_DATA_BYTES } from "../../../protocol/limits.ts";
import type { Agent } from "../agents/agent.ts";
import { HeldAgent } from "./held-agent.ts";
import type { AgentLink, ViewerLink } from "./links.ts";
import { RouteLink } from "./route-link.ts";
import type { Route, RouteEvents } from "./routes.ts";
import { Viewer } from "./viewer.ts";

const SEEDS = 15;
const STEPS = 400;
const MAX_CHUNK_BYTES = 60_000;
const STREAM = 7;
const BOOT = "boot-one" as BootId;
const location = {
  agentId: "agent" as AgentId,
  instanceId: "holder" as InstanceId,
  connectionId: "connection" as ConnectionId,
  protocol: "rexec.v2" as const,
  epoch: 1,
};

/** What is under way between instances, in order for each direction of each route. */
class Network {
  readonly #queues: (() => void)[][] = [];
  line(): (deliver: () => void) => void {
    const queue: (() => void)[] = [];
    this.#queues.push(queue);
    return (deliver) => void queue.push(deliver);
  }
  /** One thing of some line arrives. False where nothing is under way. */
  step(random: () => number): boolean {
    const busy = this.#queues.filter(({ length }) => length > 0);
    const line = busy[Math.floor(random() * busy.length)];
    line?.shift()?.();
    return line !== undefined;
  }
}

class JoinedRoute implements Route {
  readonly path = "redis";
  readonly peer = "peer" as InstanceId;
  isFull = false;
  events: RouteEvents | undefined;
  other: JoinedRoute | undefined;
  readonly #put: (deliver: () => void) => void;
  constructor(network: Network) {
    this.#put = network.line();
  }
  send(frame: Uint8Array): void {
    this.#put(() => this.other?.events?.onFrame(frame));
  }
  close(): void {
    throw new Error("no route ends here");
  }
}

/** An agent with one shell, that has all it ever printed. */
class PrintingAgent implements AgentLink {
  readonly protocol = "rexec.v2";
  readonly connectionId = location.connectionId;
  held: HeldAgent | undefined;
  readonly #memory = Buffer.alloc(STEPS * MAX_CHUNK_BYTES);
  #length = 0;
  #attachments = 0;

  get printed(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }
  print(bytes: Buffer): void {
    const offset = this.#length;
    this.#length += bytes.copy(this.#memory, offset);
    this.#send(0, offset, bytes.length);
  }
  /** Acknowledgements pace the shell; this one is paced by the test. */
  sendFrame(): void {}
  sendControl(message: ControlMessage): void {
    if (message.$case === "attach") {
      const { requestId, sessionId, cols, rows } = message.value;
      const at = { inputOffset: 0, outputOffset: this.#length, resumed: false };
      const value = { requestId, attachment: ++this.#attachments, stream: STREAM, sessionId, cols, rows, ...at };
      this.held?.onAgentControl({ $case: "attached", value });
    } else if (message.$case === "replay") {
      const { attachment, from, maxBytes } = message.value;
      if (from !== undefined) return this.#send(attachment, from, Math.min(maxBytes, this.#length - from));
      const value = { stream: STREAM, attachment, offset: this.#length, cols: 80, rows: 24 };
      this.held?.onAgentControl({ $case: "snapshot", value: { ...value, data: new Uint8Array() } });
    }
  }
  close(): void {}
  async probe(): Promise<boolean> {
    return true;
  }
  #send(attachment: number, from: number, length: number): void {
    for (let at = from; at < from + length; at += MAX_DATA_BYTES) {
      const bytes = this.printed.subarray(at, Math.min(at + MAX_DATA_BYTES, from + length));
      this.held?.onAgentFrame(encodeDataFrame({ type: FRAME.OUTPUT, stream: STREAM, attachment, offset: at }, bytes));
    }
  }
}

/** A viewer that writes down what it is shown, and says from time to time that it has seen it. */
class ReadingViewer implements ViewerLink {
  readonly protocol = "rexec.v2";
  readonly #held: HeldAgent;
  readonly #viewer: Viewer;
  /** Where it begins. */
  begin: number | undefined;
  readonly seen: Buffer[] = [];
  #next = 0;

  constructor(held: HeldAgent) {
    this.#held = held;
    this.#viewer = new Viewer(aViewer().viewer.open, this, new Date(0));
    held.addViewer(this.#viewer);
  }
  sendFrame(frame: Uint8Array): void {
    const { offset } = readHeader(frame);
    if (offset !== this.#next) throw new Error(`at ${this.#next}, and is sent what is at ${offset}`);
    this.seen.push(Buffer.from(frameBytes(frame)));
    this.#next += frameBytes(frame).length;
  }
  sendControl(message: ControlMessage): void {
    if (message.$case !== "snapshot") return;
    if (this.begin !== undefined) throw new Error("begins anew");
    this.begin = this.#next = message.value.offset;
  }
  close(): void {
    throw new Error("no viewer is closed here");
  }
  acknowledge(): void {
    if (this.begin === undefined) return;
    const { stream, attachment } = this.#viewer;
    const frame = encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream, attachment, offset: this.#next });
    expect(this.#held.onViewerFrame(this.#viewer, frame)).toBe("ok");
  }
}

function hold(): HeldAgent {
  const agent = { id: location.agentId, userId: "owner" as UserId } as Agent;
  return new HeldAgent(agent, { onSession() {}, onViewer() {} }, manualClock());
}

/** Another instance, with a route to the holder; and the holder's end of that. */
async function reach(holder: HeldAgent, network: Network): Promise<{ held: HeldAgent; route: JoinedRoute }> {
  const [near, far] = [new JoinedRoute(network), new JoinedRoute(network)];
  [near.other, far.other] = [far, near];
  const held = hold();
  const link = new RouteLink(location);
  const open = async (_: unknown, events: RouteEvents) => {
    near.events = events;
    far.events = holder.openRelays().add(far);
    const sessions = [...holder.sessions.values()].map((shell) => shell.describe());
    const value = { bootId: BOOT, version: "", systemInfo: undefined, sessions };
    setImmediate(() => events.onFrame(encodeControl({ $case: "agentHello", value })));
    return near;
  };
  const hello = await link.open({ open }, location, {
    onFrame: (frame) => held.onAgentFrame(frame),
    onControl: (message) => held.onAgentControl(message),
    onEnd: () => {},
  });
  held.linkUp(link, BOOT, hello!.sessions);
  link.start();
  return { held, route: far };
}

describe("viewers on three instances", () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    "have every byte once, in order (seed %i)",
    async (seed) => {
      const random = randomFrom(seed);
      const network = new Network();
      const agent = new PrintingAgent();
      const holder = hold();
      agent.held = holder;
      const started = { stream: STREAM, sessionId: "main", cols: 80, rows: 24, offset: 0, startedAtMs: 0 };
      holder.linkUp(agent, BOOT, [started]);
      const others = [await reach(holder, network), await reach(holder, network)];
      const viewers = [holder, ...others.map(({ held }) => held)].flatMap((held) => [
        new ReadingViewer(held),
        new ReadingViewer(held),
      ]);
      for (let n = 0; n < STEPS; n++) {
        const { route } = others[n % 2]!;
        const chance = random();
        if (chance < 0.2) agent.print(Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256))));
        else if (chance < 0.4) agent.print(Buffer.alloc(Math.ceil(random() * MAX_CHUNK_BYTES), n));
        else if (chance < 0.5) route.isFull = true;
        else if (chance < 0.6) makeRoom(route);
        else if (chance < 0.7) viewers[Math.floor(random() * viewers.length)]?.acknowledge();
        else network.step(random);
      }
      for (const { route } of others) makeRoom(route);
      do {
        for (const viewer of viewers) viewer.acknowledge();
      } while (network.step(random));
      for (const { seen, begin } of viewers) {
        expect(begin).toBeDefined();
        expect(Buffer.concat(seen).equals(agent.printed.subarray(begin))).toBe(true);
      }
    },
  );
});

function makeRoom(route: JoinedRoute): void {
  if (!route.isFull) return;
  route.isFull = false;
  route.events?.onRoom();
}

/** mulberry32: 0…1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
