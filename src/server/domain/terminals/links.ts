// The two ends of a terminal as the domain sees them. A socket of either protocol implements one of these;
// the domain speaks rexec.v2 to both.

import type { ControlMessage } from "../../../protocol/control-frame.ts";
import type { ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { RoutePath } from "./routes.ts";

/** Frames given to a link are sent in order and are not copied: nobody may change them afterwards. */
interface Link {
  readonly protocol: Protocol;
  sendFrame(frame: Uint8Array): void;
  sendControl(message: ControlMessage): void;
  /** What was sent before still goes out first. */
  close(code: number, reason: string): void;
}

export interface AgentLink extends Link {
  /** Names the connection; its clean-up touches nothing of a later one. */
  readonly connectionId: ConnectionId;
  /** The instance that holds the agent, where that is another one: the link is a route to it. */
  readonly via?: InstanceId;
  /** How that goes. */
  readonly path?: RoutePath | undefined;
  /** Resolves true as soon as the peer answers a ping, false after `timeoutMs` of silence or where the socket is closed. */
  probe(timeoutMs: number): Promise<boolean>;
}

export type ViewerLink = Link;
