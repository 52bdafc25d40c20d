// The bridges of rexec.v1 agents, kept while an agent that has lost its connection may come back.

import type { AgentId, BootId } from "../../../../protocol/ids.ts";
import { RESUME_GRACE_MS } from "../../../../protocol/limits.ts";
import type { Secrets } from "../../../domain/access/token.ts";
import type { Clock } from "../../../domain/clock.ts";
import { AgentBridge, type BridgeLink } from "./agent-bridge.ts";

interface Kept {
  bridge: AgentBridge;
  /** Made up: says that these are the shells of before. */
  bootId: BootId;
  timer: NodeJS.Timeout | undefined;
}

interface KeptBridgesDeps {
  secrets: Pick<Secrets, "randomHex">;
  clock: Clock;
}

export class KeptBridges {
  readonly #deps: KeptBridgesDeps;
  readonly #kept = new Map<AgentId, Kept>();

  constructor(deps: KeptBridgesDeps) {
    this.#deps = deps;
  }

  /** The agent's bridge, on this connection from now on. */
  use(agentId: AgentId, link: BridgeLink): { bridge: AgentBridge; bootId: BootId } {
    const kept = this.#kept.get(agentId) ?? this.#make(agentId);
    clearTimeout(kept.timer);
    kept.bridge.linkUp(link);
    return kept;
  }

  /** The connection has gone. Compare first: one that another has replaced changes nothing. */
  release(agentId: AgentId, link: BridgeLink): void {
    const kept = this.#kept.get(agentId);
    if (!kept?.bridge.isLinkedTo(link)) return;
    kept.timer = setTimeout(() => {
      this.#kept.delete(agentId);
      kept.bridge.dispose();
    }, RESUME_GRACE_MS);
  }

  /** The server stops. */
  dispose(): void {
    for (const { bridge, timer } of this.#kept.values()) {
      clearTimeout(timer);
      bridge.dispose();
    }
    this.#kept.clear();
  }

  #make(agentId: AgentId): Kept {
    const { secrets, clock } = this.#deps;
    // 24 random bits leave room above them in a u32.
    const firstNumber = Number.parseInt(secrets.randomHex(3), 16) + 1;
    const kept: Kept = {
      bridge: new AgentBridge({ clock, firstNumber }),
      bootId: `v1-${secrets.randomHex(16)}` as BootId,
      timer: undefined,
    };
    this.#kept.set(agentId, kept);
    return kept;
  }
}
