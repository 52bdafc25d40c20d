// The other instances that have viewers of one agent that is held here: which of the agent's frames each of them gets,
// and what of theirs reaches the agent. Their viewers are theirs: rights, windows and ends are judged there.

import { type ControlMessage, type ControlOf, decodeControl, encodeControl } from "../../../protocol/control-frame.ts";
import { type DataHeader, FRAME, FrameError, readHeader } from "../../../protocol/data-frame.ts";
import { attachmentKeyFromBytes } from "../../../protocol/ids.ts";
import type { AgentShells } from "./agent-shells.ts";
import { type AttachesUnderWay, type AttachmentOwner, attachmentOwner } from "./attaches-under-way.ts";
import type { AgentLink } from "./links.ts";
import type { Route, RouteEvents, RoutePath } from "./routes.ts";

export interface AgentRelaysDeps {
  /** Undefined while the agent is away: then there are no relays either. */
  link(): AgentLink | undefined;
  shells: AgentShells;
  now(): number;
  underWay: AttachesUnderWay;
  /** Another instance's viewer has come back to an attachment that a viewer here had. */
  onTakenAway(attachment: number): void;
}

interface Relay {
  route: Route;
  /** Its viewers' attachments. */
  attachments: Map<number, { stream: number; owner: AttachmentOwner }>;
  /** Streams of which it was not sent everything, for want of room. */
  behind: Set<number>;
}

/** What an instance has asked the agent for, under the name it gave the request itself. */
interface Asked<Id> {
  relay: Relay;
  id: Id;
}

/** Requests of all instances to one agent that are under way; the oldest is forgotten above. */
const MAX_ASKED = 1024;

export class AgentRelays {
  readonly #deps: AgentRelaysDeps;
  readonly #relays = new Set<Relay>();
  readonly #byAttachment = new Map<number, Relay>();
  readonly #attaches = new Map<number, Asked<number> & { owner: AttachmentOwner }>();
  readonly #execs = new Map<string, Asked<string>>();
  #lastExec = 0;

  constructor(deps: AgentRelaysDeps) {
    this.#deps = deps;
  }

  /** By how each of them goes. */
  count(): Record<RoutePath, number> {
    const counts = { direct: 0, redis: 0 };
    for (const { route } of this.#relays) counts[route.path]++;
    return counts;
  }

  /** Somebody on another instance looks at it. */
  isWatched(stream: number): boolean {
    return [...this.#relays].some((relay) => isOn(relay, stream));
  }

  /** Another instance has viewers of this agent: it is told what runs, and gets its part from now on. */
  add(route: Route): RouteEvents {
    const relay: Relay = { route, attachments: new Map(), behind: new Set() };
    this.#relays.add(relay);
    return {
      onFrame: (frame) => this.#onFrame(relay, frame),
      onRoom: () => this.#catchUp(relay),
      onEnd: () => this.#remove(relay),
    };
  }

  /** The agent has gone. */
  closeAll(): void {
    this.#attaches.clear();
    this.#execs.clear();
    this.#byAttachment.clear();
    const relays = [...this.#relays];
    this.#relays.clear();
    for (const { route } of relays) route.close();
  }

  /** Output for everybody who looks at this stream. What has no room is mended by the other instance, who asks again. */
  broadcast({ stream }: DataHeader, frame: Uint8Array): void {
    for (const relay of this.#relays) {
      if (!isOn(relay, stream)) continue;
      if (relay.route.isFull) relay.behind.add(stream);
      else relay.route.send(frame);
    }
  }

  /** A frame for one attachment. False where it is none of another instance's. */
  sendTo(attachment: number, frame: Uint8Array): boolean {
    const relay = this.#byAttachment.get(attachment);
    relay?.route.send(frame);
    return relay !== undefined;
  }

  /** What every instance hears of. */
  tellAll(message: ControlMessage): void {
    if (this.#relays.size === 0) return;
    const frame = encodeControl(message);
    for (const { route } of this.#relays) route.send(frame);
  }

  /** False where it answers no other instance's request. */
  onAttached(attached: ControlOf<"attached">): boolean {
    const asked = this.#take(this.#attaches, attached.requestId);
    if (asked === undefined) return false;
    const { relay, id, owner } = asked;
    const { attachment, stream } = attached;
    if (!this.#relays.has(relay)) {
      this.#deps.underWay.letGo({ attachment, linger: true }, owner);
      return true;
    }
    if (!relay.attachments.has(attachment)) {
      this.takeAway(attachment);
      this.#deps.onTakenAway(attachment);
    }
    relay.attachments.set(attachment, { stream, owner });
    this.#byAttachment.set(attachment, relay);
    relay.route.send(encodeControl({ $case: "attached", value: { ...attached, requestId: id } }));
    return true;
  }

  onAttachRefused(refused: ControlOf<"attachRefused">): boolean {
    const asked = this.#take(this.#attaches, refused.requestId);
    asked?.relay.route.send(encodeControl({ $case: "attachRefused", value: { ...refused, requestId: asked.id } }));
    return asked !== undefined;
  }

  onExecResult(result: ControlOf<"execResult">): boolean {
    const asked = this.#take(this.#execs, result.execId);
    asked?.relay.route.send(encodeControl({ $case: "execResult", value: { ...result, execId: asked.id } }));
    return asked !== undefined;
  }

  /** The attachment is another's by now: the instance whose it was lets go of its viewer. */
  takeAway(attachment: number): void {
    const relay = this.#byAttachment.get(attachment);
    if (relay === undefined) return;
    this.#byAttachment.delete(attachment);
    relay.attachments.delete(attachment);
    relay.route.send(encodeControl({ $case: "detach", value: { attachment, linger: true } }));
  }

  #onFrame(relay: Relay, frame: Uint8Array): void {
    const link = this.#deps.link();
    if (link === undefined || !this.#relays.has(relay)) return;
    try {
      if (frame[0] === FRAME.CONTROL) this.#onControl(relay, link, decodeControl(frame, "server"));
      else this.#onData(relay, link, frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      relay.route.close();
    }
  }

  #onData(relay: Relay, link: AgentLink, frame: Uint8Array): void {
    const { type, stream, attachment } = readHeader(frame);
    if (type !== FRAME.INPUT && type !== FRAME.OUTPUT_ACK) return relay.route.close();
    if (relay.attachments.get(attachment)?.stream !== stream) return;
    if (type === FRAME.INPUT) this.#deps.shells.get(stream)?.onInput(frame, link, this.#deps.now());
    link.sendFrame(frame);
  }

  #onControl(relay: Relay, link: AgentLink, message: ControlMessage | undefined): void {
    switch (message?.$case) {
      case "attach": {
        const { userId, attachmentKey } = message.value;
        const key = attachmentKeyFromBytes(attachmentKey);
        if (key === undefined) return relay.route.close();
        const owner = attachmentOwner({ userId, key });
        const requestId = this.#deps.underWay.add(owner);
        this.#remember(this.#attaches, requestId, { relay, id: message.value.requestId, owner });
        return link.sendControl({ $case: "attach", value: { ...message.value, requestId } });
      }
      case "exec": {
        const execId = `r${++this.#lastExec}`;
        this.#remember(this.#execs, execId, { relay, id: message.value.execId });
        return link.sendControl({ $case: "exec", value: { ...message.value, execId } });
      }
      case "detach": {
        const { attachment } = message.value;
        const left = relay.attachments.get(attachment);
        if (left === undefined) return;
        relay.attachments.delete(attachment);
        this.#byAttachment.delete(attachment);
        return this.#deps.underWay.letGo(message.value, left.owner);
      }
      case "replay":
      case "resize":
        if (relay.attachments.has(message.value.attachment)) link.sendControl(message);
        return;
      default:
        return relay.route.close();
    }
  }

  /** Where its streams stand that it was not sent everything of: it asks for what it lacks. */
  #catchUp(relay: Relay): void {
    const behind = [...relay.behind];
    relay.behind.clear();
    for (const stream of behind) {
      const shell = this.#deps.shells.get(stream);
      if (shell && isOn(relay, stream))
        relay.route.send(encodeControl({ $case: "sessionStarted", value: shell.describe() }));
    }
  }

  /** Its viewers may come back, by another route or to another instance. */
  #remove(relay: Relay): void {
    if (!this.#relays.delete(relay)) return;
    for (const [attachment, { owner }] of relay.attachments) {
      this.#byAttachment.delete(attachment);
      this.#deps.underWay.letGo({ attachment, linger: true }, owner);
    }
  }

  #remember<Key, Request>(asked: Map<Key, Request>, key: Key, request: Request): void {
    if (asked.size >= MAX_ASKED) {
      for (const oldest of asked.keys()) {
        asked.delete(oldest);
        break;
      }
    }
    asked.set(key, request);
  }

  #take<Key, Request>(asked: Map<Key, Request>, key: Key): Request | undefined {
    const request = asked.get(key);
    asked.delete(key);
    return request;
  }
}

/** Few: the shells of one agent that one instance's viewers look at. */
function isOn({ attachments }: Relay, stream: number): boolean {
  for (const each of attachments.values()) if (each.stream === stream) return true;
  return false;
}
