// What connections write of their agents. Nobody waits for it: terminals do not depend on the database. Whether an agent
// is connected is written in any case, later where the database is away; the rest comes again with the next report.

import type { AgentId } from "../../../protocol/ids.ts";
import type { EventBus } from "../events/events.ts";
import type { Log } from "../log.ts";
import type { AgentRef, AgentStore } from "./agent.ts";

export type Mark = (store: AgentStore) => Promise<void>;

export interface PresenceMarksDeps {
  agents: AgentStore;
  events: Pick<EventBus, "publish">;
  log: Log;
}

export class PresenceMarks {
  readonly #deps: PresenceMarksDeps;
  /** The last mark of each agent that the database does not have yet; one per agent. */
  readonly #unmarked = new Map<AgentId, { agent: AgentRef; write: Mark }>();
  readonly #saving = new Set<Promise<void>>();

  constructor(deps: PresenceMarksDeps) {
    this.#deps = deps;
  }

  /** Writes whether an agent is connected, now or, where the database is away, with a later batch: epochs keep the order. */
  mark(agent: AgentRef, write: Mark): void {
    const unmarked = { agent, write };
    this.#unmarked.set(agent.id, unmarked);
    this.save(agent.id, "presence", async (store) => {
      await write(store);
      if (this.#unmarked.get(agent.id) === unmarked) this.#unmarked.delete(agent.id);
      this.#deps.events.publish({ type: "agent.stored", agentId: agent.id, userId: agent.userId });
    });
  }

  /** Tries again what the database does not have. */
  markAgain(): void {
    for (const { agent, write } of this.#unmarked.values()) this.mark(agent, write);
  }

  /** Once, and logged where it fails. */
  save(agentId: AgentId | undefined, what: string, write: Mark): void {
    const saved = write(this.#deps.agents)
      .catch((error: unknown) => this.#deps.log.warn({ agentId, err: error }, `${what} not saved`))
      .finally(() => this.#saving.delete(saved));
    this.#saving.add(saved);
  }

  /** Ends when what is being written has been. */
  async settled(): Promise<void> {
    await Promise.all(this.#saving);
  }
}
