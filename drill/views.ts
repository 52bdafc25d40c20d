// What every instance says of an agent, and how long until all say the same.

import { setTimeout as delay } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { AgentServiceClient, AgentStatus } from "../src/gen/rexec/agent/v1/agent_service.ts";
import { call } from "../test/support/test-server.ts";
import type { Instance } from "./instance.ts";

const ASK_EVERY_MS = 500;
const ASK_TIMEOUT_MS = 3_000;

export class Views {
  readonly #instances: readonly Instance[];
  readonly #token: string;
  readonly #clients: AgentServiceClient[];

  constructor(instances: readonly Instance[], token: string) {
    this.#instances = instances;
    this.#token = token;
    this.#clients = instances.map(
      ({ grpcAddress }) => new AgentServiceClient(grpcAddress, credentials.createInsecure()),
    );
  }

  /** Resolves with how long it took until every instance that can be asked says so; undefined where it did not within `limitMs`. */
  async until(agentId: string, wanted: "online" | "offline", limitMs: number): Promise<number | undefined> {
    const startedAtMs = performance.now();
    const unsure = new Set(this.#instances);
    for (;;) {
      for (const instance of unsure) {
        const status = await this.#ask(instance, agentId);
        if (instance.state !== "up" || status === wanted) unsure.delete(instance);
      }
      const afterMs = performance.now() - startedAtMs;
      if (unsure.size === 0) return afterMs;
      if (afterMs > limitMs) return undefined;
      await delay(ASK_EVERY_MS);
    }
  }

  /** The first instance that says so of the agent before that is over. */
  async saidBy(agentId: string, said: "online" | "offline", over: Promise<unknown>): Promise<string | undefined> {
    let isOver = false;
    void over.then(() => (isOver = true));
    while (!isOver) {
      for (const instance of this.#instances) {
        if ((await this.#ask(instance, agentId)) !== said) continue;
        await over;
        return instance.name;
      }
      await Promise.race([over, delay(ASK_EVERY_MS)]);
    }
    return undefined;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #ask(instance: Instance, agentId: string): Promise<"online" | "offline" | "suspect" | undefined> {
    const client = this.#clients[this.#instances.indexOf(instance)];
    if (client === undefined || instance.state !== "up") return undefined;
    const asked = call(client, "getAgent", { agentId }, this.#token) as Promise<{ agent?: { status: AgentStatus } }>;
    const answer = await Promise.race([asked.catch(() => undefined), delay(ASK_TIMEOUT_MS, undefined, { ref: false })]);
    switch (answer?.agent?.status) {
      case AgentStatus.AGENT_STATUS_ONLINE:
        return "online";
      case AgentStatus.AGENT_STATUS_SUSPECT:
        return "suspect";
      case AgentStatus.AGENT_STATUS_OFFLINE:
        return "offline";
      default:
        return undefined;
    }
  }
}
