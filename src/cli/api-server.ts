// One server of the control plane: its clients, and whether it can be reached.

import { type ChannelCredentials, type ChannelOptions, Client, connectivityState } from "@grpc/grpc-js";
import { AgentServiceClient } from "../gen/rexec/agent/v1/agent_service.ts";
import { PlanServiceClient } from "../gen/rexec/plan/v1/plan_service.ts";
import { TokenServiceClient } from "../gen/rexec/token/v1/token_service.ts";
import { UserServiceClient } from "../gen/rexec/user/v1/user_service.ts";

/** The clients share one connection: grpc-js keeps one for each address and credentials. */
export class ApiServer {
  readonly agents: AgentServiceClient;
  readonly tokens: TokenServiceClient;
  readonly plans: PlanServiceClient;
  readonly users: UserServiceClient;

  /** For a method of any service. */
  readonly any: Client;

  /** Connects with the first call. */
  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions) {
    this.any = new Client(address, credentials, options);
    this.agents = new AgentServiceClient(address, credentials, options);
    this.tokens = new TokenServiceClient(address, credentials, options);
    this.plans = new PlanServiceClient(address, credentials, options);
    this.users = new UserServiceClient(address, credentials, options);
  }

  /** Connects. False: refused, or no HTTP/2 server has answered until then. Never rejects. */
  isReachable(untilMs: number, signal?: AbortSignal): Promise<boolean> {
    const channel = this.agents.getChannel();
    return new Promise((resolve) => {
      const answer = (isThere: boolean): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve(isThere);
      };
      const onAbort = (): void => answer(false);
      const look = (): void => {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) return answer(true);
        if (state === connectivityState.TRANSIENT_FAILURE || signal?.aborted) return answer(false);
        channel.watchConnectivityState(state, untilMs, (error) => (error ? answer(false) : look()));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      look();
    });
  }

  close(): void {
    for (const client of [this.any, this.agents, this.tokens, this.plans, this.users]) client.close();
  }
}
