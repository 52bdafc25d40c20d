// The control plane as commands call it: one channel, a deadline on every call, failures as CliError.

import { type CallOptions, ChannelCredentials, type ClientUnaryCall, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  AgentServiceClient,
  type GetAgentRequest,
  type GetAgentResponse,
  type ListAgentsRequest,
  type ListAgentsResponse,
  type RegisterAgentRequest,
  type RegisterAgentResponse,
} from "../gen/rexec/agent/v1/agent_service.ts";
import { type GetLimitsRequest, type GetLimitsResponse, PlanServiceClient } from "../gen/rexec/plan/v1/plan_service.ts";
import {
  type CreateTokenRequest,
  type CreateTokenResponse,
  type ExchangeTokenResponse,
  type ListTokensRequest,
  type ListTokensResponse,
  type RevokeTokenRequest,
  type RevokeTokenResponse,
  TokenServiceClient,
} from "../gen/rexec/token/v1/token_service.ts";
import {
  type CreateUserRequest,
  type CreateUserResponse,
  type DeleteUserRequest,
  type DeleteUserResponse,
  type ListUsersRequest,
  type ListUsersResponse,
  type UpdateUserRequest,
  type UpdateUserResponse,
  UserServiceClient,
} from "../gen/rexec/user/v1/user_service.ts";
import { apiError } from "./api-error.ts";
import { CliError } from "./cli-error.ts";

export interface ApiOptions {
  /** host:port. */
  grpcAddress: string;
  isEncrypted: boolean;
  token: string;
  /** Of each call. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

type Start<Res> = (
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

export class Api {
  readonly #options: ApiOptions;
  readonly #agents: AgentServiceClient;
  readonly #tokens: TokenServiceClient;
  readonly #plans: PlanServiceClient;
  readonly #users: UserServiceClient;

  constructor(options: ApiOptions) {
    this.#options = options;
    const credentials = options.isEncrypted ? ChannelCredentials.createSsl() : ChannelCredentials.createInsecure();
    // A page of 1000 agents is well under the default 4 MiB; a token never goes through a proxy of the environment in clear.
    const channel = { "grpc.enable_http_proxy": options.isEncrypted ? 1 : 0 };
    this.#agents = new AgentServiceClient(options.grpcAddress, credentials, channel);
    this.#tokens = new TokenServiceClient(options.grpcAddress, credentials, channel);
    this.#plans = new PlanServiceClient(options.grpcAddress, credentials, channel);
    this.#users = new UserServiceClient(options.grpcAddress, credentials, channel);
  }

  getAgent(request: GetAgentRequest): Promise<GetAgentResponse> {
    return this.#unary((metadata, options, done) => this.#agents.getAgent(request, metadata, options, done));
  }

  listAgents(request: ListAgentsRequest): Promise<ListAgentsResponse> {
    return this.#unary((metadata, options, done) => this.#agents.listAgents(request, metadata, options, done));
  }

  registerAgent(request: RegisterAgentRequest): Promise<RegisterAgentResponse> {
    return this.#unary((metadata, options, done) => this.#agents.registerAgent(request, metadata, options, done));
  }

  createToken(request: CreateTokenRequest): Promise<CreateTokenResponse> {
    return this.#unary((metadata, options, done) => this.#tokens.createToken(request, metadata, options, done));
  }

  listTokens(request: ListTokensRequest): Promise<ListTokensResponse> {
    return this.#unary((metadata, options, done) => this.#tokens.listTokens(request, metadata, options, done));
  }

  revokeToken(request: RevokeTokenRequest): Promise<RevokeTokenResponse> {
    return this.#unary((metadata, options, done) => this.#tokens.revokeToken(request, metadata, options, done));
  }

  exchangeToken(): Promise<ExchangeTokenResponse> {
    return this.#unary((metadata, options, done) => this.#tokens.exchangeToken({}, metadata, options, done));
  }

  getLimits(request: GetLimitsRequest): Promise<GetLimitsResponse> {
    return this.#unary((metadata, options, done) => this.#plans.getLimits(request, metadata, options, done));
  }

  createUser(request: CreateUserRequest): Promise<CreateUserResponse> {
    return this.#unary((metadata, options, done) => this.#users.createUser(request, metadata, options, done));
  }

  listUsers(request: ListUsersRequest): Promise<ListUsersResponse> {
    return this.#unary((metadata, options, done) => this.#users.listUsers(request, metadata, options, done));
  }

  updateUser(request: UpdateUserRequest): Promise<UpdateUserResponse> {
    return this.#unary((metadata, options, done) => this.#users.updateUser(request, metadata, options, done));
  }

  deleteUser(request: DeleteUserRequest): Promise<DeleteUserResponse> {
    return this.#unary((metadata, options, done) => this.#users.deleteUser(request, metadata, options, done));
  }

  close(): void {
    this.#agents.close();
    this.#tokens.close();
    this.#plans.close();
    this.#users.close();
  }

  #unary<Res>(start: Start<Res>): Promise<Res> {
    const { token, timeoutMs, signal, grpcAddress } = this.#options;
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(interrupted());
      const onAbort = (): void => call.cancel();
      const call = start(metadata, { deadline: Date.now() + timeoutMs }, (error, response) => {
        signal?.removeEventListener("abort", onAbort);
        if (error === null) resolve(response);
        else reject(signal?.aborted ? interrupted() : apiError(error, grpcAddress));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

export function interrupted(): CliError {
  return new CliError("INTERRUPTED", { message: "interrupted" });
}
