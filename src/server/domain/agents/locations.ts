// Which instance holds an agent's socket. One owner at a time; every write names its epoch and connection.

import type { AgentId, BootId, ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";

export interface AgentLocation {
  agentId: AgentId;
  instanceId: InstanceId;
  connectionId: ConnectionId;
  /** Undefined for an agent that does not say (v1). */
  bootId?: BootId;
  /** What it speaks. */
  protocol: Protocol;
  /** Grows with every change of owner, for ever. */
  epoch: number;
}

export interface AgentLocations {
  /**
   * Takes the agent over from whoever holds it. The new epoch is larger than any before, and than `above`: the one that
   * is stored with the agent, which outlives this port's own memory.
   */
  claim(location: Omit<AgentLocation, "epoch">, above: number): Promise<AgentLocation>;
  get(agentId: AgentId): Promise<AgentLocation | undefined>;
  /** Compare-and-delete: false, and nothing changes, where the epoch or connection is another by now. */
  release(location: AgentLocation): Promise<boolean>;
  /**
   * Says that these are held still, and puts back those that were lost. Returns those that another has claimed since: they
   * are held no more.
   */
  refresh(held: readonly AgentLocation[]): Promise<readonly AgentLocation[]>;
  /** Puts the location back in place of whatever is there: for who knows from elsewhere that it is the agent's owner. */
  restore(location: AgentLocation): Promise<void>;
}
