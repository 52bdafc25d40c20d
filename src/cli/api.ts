// The control plane as commands call it: a deadline on every call, the next server where one is not there, failures as CliError.

import { type CallOptions, ChannelCredentials, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import type {
  GetAgentRequest,
  GetAgentResponse,
  ListAgentsRequest,
  ListAgentsResponse,
  RegisterAgentRequest,
  RegisterAgentResponse,
} from "../gen/rexec/agent/v1/agent_service.ts";
import type { GetLimitsRequest, GetLimitsResponse } from "../gen/rexec/plan/v1/plan_service.ts";
import type {
  CreateTokenRequest,
  CreateTokenResponse,
  ExchangeTokenResponse,
  ListTokensRequest,
  ListTokensResponse,
  RevokeTokenRequest,
  RevokeTokenResponse,
} from "../gen/rexec/token/v1/token_service.ts";
import type {
  CreateUserRequest,
  CreateUserResponse,
  DeleteUserRequest,
  DeleteUserResponse,
  ListUsersRequest,
  ListUsersResponse,
  UpdateUserRequest,
  UpdateUserResponse,
} from "../gen/rexec/user/v1/user_service.ts";
import type { ServerList } from "../protocol/server-list.ts";
import { apiError } from "./api-error.ts";
import { ApiServer } from "./api-server.ts";
import type { ClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";

/** A host that drops packets, or a stopped process, is left for the next one after this. */
const CONNECT_TIMEOUT_MS = 3_000;
const AT_THE_DOOR_MS = 2_000;

export interface ApiOptions {
  /** host:port. */
  grpcAddresses: ServerList;
  isEncrypted: boolean;
  tls?: ClientTls | undefined;
  token: string;
  /** Of each call. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

type Start<Res> = (
  server: ApiServer,
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

export class Api {
  readonly #options: ApiOptions;
  /** The one that calls go to first. */
  readonly #servers: ApiServer[];

  constructor(options: ApiOptions) {
    this.#options = options;
    const { ca = null, cert = null, key = null } = options.tls ?? {};
    const credentials = options.isEncrypted
      ? ChannelCredentials.createSsl(ca, key, cert)
      : ChannelCredentials.createInsecure();
    // A page of 1000 agents is well under the default 4 MiB; a token never goes through a proxy of the environment in clear.
    const channel = { "grpc.enable_http_proxy": options.isEncrypted ? 1 : 0 };
    this.#servers = options.grpcAddresses.map((address) => new ApiServer(address, credentials, channel));
  }

  getAgent(request: GetAgentRequest): Promise<GetAgentResponse> {
    return this.#unary((server, metadata, options, done) => server.agents.getAgent(request, metadata, options, done));
  }

  listAgents(request: ListAgentsRequest): Promise<ListAgentsResponse> {
    return this.#unary((server, metadata, options, done) => server.agents.listAgents(request, metadata, options, done));
  }

  registerAgent(request: RegisterAgentRequest): Promise<RegisterAgentResponse> {
    return this.#unary((server, metadata, options, done) =>
      server.agents.registerAgent(request, metadata, options, done),
    );
  }

  createToken(request: CreateTokenRequest): Promise<CreateTokenResponse> {
    return this.#unary((server, metadata, options, done) =>
      server.tokens.createToken(request, metadata, options, done),
    );
  }

  listTokens(request: ListTokensRequest): Promise<ListTokensResponse> {
    return this.#unary((server, metadata, options, done) => server.tokens.listTokens(request, metadata, options, done));
  }

  revokeToken(request: RevokeTokenRequest): Promise<RevokeTokenResponse> {
    return this.#unary((server, metadata, options, done) =>
      server.tokens.revokeToken(request, metadata, options, done),
    );
  }

  exchangeToken(): Promise<ExchangeTokenResponse> {
    return this.#unary((server, metadata, options, done) => server.tokens.exchangeToken({}, metadata, options, done));
  }

  getLimits(request: GetLimitsRequest): Promise<GetLimitsResponse> {
    return this.#unary((server, metadata, options, done) => server.plans.getLimits(request, metadata, options, done));
  }

  createUser(request: CreateUserRequest): Promise<CreateUserResponse> {
    return this.#unary((server, metadata, options, done) => server.users.createUser(request, metadata, options, done));
  }

  listUsers(request: ListUsersRequest): Promise<ListUsersResponse> {
    return this.#unary((server, metadata, options, done) => server.users.listUsers(request, metadata, options, done));
  }

  updateUser(request: UpdateUserRequest): Promise<UpdateUserResponse> {
    return this.#unary((server, metadata, options, done) => server.users.updateUser(request, metadata, options, done));
  }

  deleteUser(request: DeleteUserRequest): Promise<DeleteUserResponse> {
    return this.#unary((server, metadata, options, done) => server.users.deleteUser(request, metadata, options, done));
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  /** Sent once: to the next server only where the one before has verifiably done nothing. */
  async #unary<Res>(start: Start<Res>): Promise<Res> {
    const { timeoutMs, signal } = this.#options;
    const deadlineMs = Date.now() + timeoutMs;
    for (let left = this.#servers.length; left > 1; left--) {
      const server = this.#servers[0] as ApiServer;
      if (await server.isReachable(Math.min(deadlineMs, Date.now() + CONNECT_TIMEOUT_MS), signal)) {
        const sentAtMs = Date.now();
        try {
          return await this.#send(server, start, deadlineMs);
        } catch (error) {
          if (!wasTurnedAway(error, Date.now() - sentAtMs)) throw error;
        }
      }
      this.#servers.push(...this.#servers.splice(0, 1));
    }
    // What the last one answers, or its silence, is what the caller is told.
    return this.#send(this.#servers[0] as ApiServer, start, deadlineMs);
  }

  #send<Res>(server: ApiServer, start: Start<Res>, deadlineMs: number): Promise<Res> {
    const { token, signal, grpcAddresses } = this.#options;
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(interrupted());
      const onAbort = (): void => call.cancel();
      const call = start(server, metadata, { deadline: deadlineMs }, (error, response) => {
        signal?.removeEventListener("abort", onAbort);
        if (error === null) resolve(response);
        else reject(signal?.aborted ? interrupted() : apiError(error, grpcAddresses.join(", ")));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/**
 * A server that drains refuses calls at its door. One that stops gives up those under way with the same words, though
 * not before they have had 5 s: an answer that came sooner is from the door.
 */
function wasTurnedAway(error: unknown, afterMs: number): boolean {
  return error instanceof CliError && error.reason === "DRAINING" && afterMs < AT_THE_DOOR_MS;
}

export function interrupted(): CliError {
  return new CliError("INTERRUPTED", { message: "interrupted" });
}
