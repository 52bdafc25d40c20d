// A route as the link to an agent that another instance holds: to the viewers here it is as if the agent were connected.

import { type ControlMessage, type ControlOf, decodeControl, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, FrameError } from "../../../protocol/data-frame.ts";
import type { ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { AgentLocation } from "../agents/locations.ts";
import type { AgentLink } from "./links.ts";
import type { Route, RouteEvents, RoutePath, Routes } from "./routes.ts";

export interface RouteLinkEvents {
  /** Frames and messages of the agent. Throws FrameError where that can't be. */
  onFrame(frame: Uint8Array): void;
  onControl(message: ControlMessage): void;
  /** Once. */
  onEnd(): void;
}

/** An instance that has accepted a route says at once what runs. */
const HELLO_TIMEOUT_MS = 3_000;
/** What came behind the hello, before the viewers here are told of the link: a few messages. More ends the route. */
const MAX_EARLY_FRAMES = 10_000;

export class RouteLink implements AgentLink {
  readonly protocol: Protocol;
  readonly connectionId: ConnectionId;
  readonly via: InstanceId;
  #route: Route | undefined;
  #events: RouteLinkEvents | undefined;
  /** Until `start`. */
  #early: Uint8Array[] | undefined = [];
  /** To be closed, though there may be no route yet. */
  #isLeft = false;
  #hasEnded = false;

  constructor({ protocol, connectionId, instanceId }: AgentLocation) {
    this.protocol = protocol;
    this.connectionId = connectionId;
    this.via = instanceId;
  }

  /** What runs on the agent; undefined where its holder does not answer, or holds it no more. Then comes `start`. */
  async open(
    routes: Routes,
    location: AgentLocation,
    events: RouteLinkEvents,
  ): Promise<ControlOf<"agentHello"> | undefined> {
    const hello = Promise.withResolvers<ControlOf<"agentHello"> | undefined>();
    let isGreeted = false;
    this.#events = events;
    const onRoute: RouteEvents = {
      onFrame: (frame) => {
        if (isGreeted) return this.#onFrame(frame);
        const said = readHello(frame);
        if (said === undefined) return this.close();
        isGreeted = true;
        hello.resolve(said);
      },
      onRoom: () => {},
      onEnd: () => {
        this.#hasEnded = true;
        hello.resolve(undefined);
        if (isGreeted) events.onEnd();
      },
    };
    this.#route = await routes.open(location, onRoute);
    if (this.#route === undefined) return undefined;
    if (this.#isLeft) this.#route.close();
    const timer = setTimeout(() => this.close(), HELLO_TIMEOUT_MS);
    try {
      return await hello.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  get path(): RoutePath | undefined {
    return this.#route?.path;
  }

  /** It is over: `onEnd` has been told, or there was nobody to tell it yet. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The viewers here know of the link: they get what has come meanwhile, and what comes. */
  start(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const frame of early) this.#onFrame(frame);
  }

  sendFrame(frame: Uint8Array): void {
    this.#route?.send(frame);
  }

  sendControl(message: ControlMessage): void {
    this.#route?.send(encodeControl(message));
  }

  close(): void {
    this.#isLeft = true;
    this.#route?.close();
  }

  /** Whether the agent answers is asked of the instance that holds it. */
  async probe(): Promise<boolean> {
    return false;
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#early !== undefined) {
      if (this.#early.push(frame) > MAX_EARLY_FRAMES) this.close();
      return;
    }
    try {
      if (frame[0] === FRAME.CONTROL) this.#events?.onControl(readHolder(frame));
      else this.#events?.onFrame(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close();
    }
  }
}

/** Undefined where something else comes first. */
function readHello(frame: Uint8Array): ControlOf<"agentHello"> | undefined {
  try {
    const message = decodeControl(frame, "agent");
    return message?.$case === "agentHello" ? message.value : undefined;
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return undefined;
  }
}

/** The holder passes on what the agent says, and has a few words of its own. */
function readHolder(frame: Uint8Array): ControlMessage {
  const message = decodeControl(frame, "agent") ?? decodeControl(frame, "server");
  if (message === undefined) throw new FrameError("no message of an agent's holder");
  return message;
}
