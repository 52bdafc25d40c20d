// What a bench and the processes that hold its agents' connections say to each other.

/** One agent, as it dials. Crosses from the bench's process to the fleet's. */
export interface FleetMember {
  /** Of the server: "ws://…". */
  server: string;
  agentId: string;
  token: string;
}

export type FleetCommand =
  /** Connect all; answered by `online`. */
  | { kind: "connect"; members: readonly FleetMember[]; welcomes: boolean }
  /** Cut every connection and dial again at once; answered by `online`. */
  | { kind: "drop" }
  /** From now on connections are lost: each dials again as an agent does; answered by `online` when all are back. */
  | { kind: "come-back" }
  /** So many of them a second report their load, each in turn, until the end; answered by `online` at once. */
  | { kind: "report"; perSecond: number };

/** All are connected. Since the command: HTTP refusals, and dials that failed otherwise. */
export interface FleetOnline {
  refused: number;
  failed: number;
  /** Of the last refusal. */
  why: string;
}
