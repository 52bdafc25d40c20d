// A route as the link to an agent that another instance holds: to the viewers here it is as if the agent were connected.

import { type ControlMessage, type ControlOf, decodeControl, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, FrameError } from "../../../protocol/data-frame.ts";
import type { ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { AgentLocation } from "../agents/locations.ts";
import type { AgentLink } from "./links.ts";
import type { Route, RouteEvents, Routes } from "./routes.ts";

export interface RouteLinkEvents {
  /** Frames and messages of the agent. Throws FrameError where that can't be. */
  onFrame(frame: Uint8Array): void;
  onControl(message: ControlMessage): void;
  /** Once. */
  onEnd(): void;
}

/** An instance that has accepted a route says at once what runs. */
const HELLO_TIMEOUT_MS = 3_000;

export class RouteLink implements AgentLink {
  readonly protocol: Protocol;
  readonly connectionId: ConnectionId;
  readonly via: InstanceId;
  #route: Route | undefined;

  constructor({ protocol, connectionId, instanceId }: AgentLocation) {
    this.protocol = protocol;
    this.connectionId = connectionId;
    this.via = instanceId;
  }

  /** What runs on the agent; undefined where its holder does not answer, or holds it no more. */
  async open(
    routes: Routes,
    location: AgentLocation,
    events: RouteLinkEvents,
  ): Promise<ControlOf<"agentHello"> | undefined> {
    const hello = Promise.withResolvers<ControlOf<"agentHello"> | undefined>();
    let isGreeted = false;
    const timer = setTimeout(() => this.close(), HELLO_TIMEOUT_MS);
    const onRoute: RouteEvents = {
      onFrame: (frame) => {
        try {
          const message = frame[0] === FRAME.CONTROL ? readHolder(frame) : undefined;
          if (isGreeted) return message === undefined ? events.onFrame(frame) : events.onControl(message);
          if (message?.$case !== "agentHello") return this.close();
          isGreeted = true;
          hello.resolve(message.value);
        } catch (error) {
          if (!(error instanceof FrameError)) throw error;
          this.close();
        }
      },
      onRoom: () => {},
      onEnd: () => {
        hello.resolve(undefined);
        if (isGreeted) events.onEnd();
      },
    };
    try {
      this.#route = await routes.open(location, onRoute);
      return this.#route && (await hello.promise);
    } finally {
      clearTimeout(timer);
    }
  }

  sendFrame(frame: Uint8Array): void {
    this.#route?.send(frame);
  }

  sendControl(message: ControlMessage): void {
    this.#route?.send(encodeControl(message));
  }

  close(): void {
    this.#route?.close();
  }

  /** Whether the agent answers is asked of the instance that holds it. */
  async probe(): Promise<boolean> {
    return false;
  }
}

/** The holder passes on what the agent says, and has a few words of its own. */
function readHolder(frame: Uint8Array): ControlMessage {
  const message = decodeControl(frame, "agent") ?? decodeControl(frame, "server");
  if (message === undefined) throw new FrameError("no message of an agent's holder");
  return message;
}
