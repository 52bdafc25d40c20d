// The control plane as commands call it: a deadline on every call, the next server where one is not there, failures as CliError.

import {
  type CallOptions,
  ChannelCredentials,
  type ClientUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import type { ServerList } from "../protocol/server-list.ts";
import { apiError } from "./api-error.ts";
import { ApiServer } from "./api-server.ts";
import type { ClientTls } from "./client-tls.ts";
import { CliError, interrupted } from "./cli-error.ts";

/** A host that drops packets, or a stopped process, is left for the next one after this. */
const CONNECT_TIMEOUT_MS = 3_000;
const AT_THE_DOOR_MS = 2_000;

export interface ApiOptions {
  /** host:port. */
  grpcAddresses: ServerList;
  isEncrypted: boolean;
  tls?: ClientTls | undefined;
  /** Undefined: of calls that are open to anybody. */
  token: string | undefined;
  /** Of each call. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Every call says that it changes nothing: the server refuses those that would. */
  isReadOnly?: boolean | undefined;
  /** For those who watch: a server that has fallen silent is noticed. */
  keepsAlive?: boolean | undefined;
}

/** A server that does not answer two pings in a row is gone, for one who sits before a screen. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 5_000, "grpc.keepalive_timeout_ms": 5_000 };

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
    const channel = {
      "grpc.enable_http_proxy": options.isEncrypted ? 1 : 0,
      ...(options.keepsAlive ? KEEPALIVE : {}),
    };
    this.#servers = options.grpcAddresses.map((address) => new ApiServer(address, credentials, channel));
  }

  /** Any unary method of any service. */
  call<Req, Res>(method: MethodDefinition<Req, Res>, request: Req): Promise<Res> {
    const { path, requestSerialize, responseDeserialize } = method;
    return this.#unary((server, metadata, options, done) =>
      server.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, response) =>
          // One of the two is there: grpc-js says so of its callbacks, and its types don't.
          error === null ? done(null, response as Res) : done(error, undefined as Res),
      ),
    );
  }

  /**
   * A stream from the first server that can be reached; `onOpen` when that serves it. Throws CliError where it fails;
   * ends quietly with the signal.
   */
  async *watch<Req, Res>(
    method: MethodDefinition<Req, Res>,
    request: Req,
    signal: AbortSignal,
    onOpen: () => void = () => {},
  ): AsyncGenerator<Res> {
    const { path, requestSerialize, responseDeserialize } = method;
    const server = await this.#reachableServer(signal);
    if (signal.aborted) return;
    const stream = server.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.#metadata(),
    );
    stream.once("metadata", onOpen);
    const onAbort = (): void => stream.cancel();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for await (const response of stream as AsyncIterable<Res>) yield response;
    } catch (error) {
      if (signal.aborted) return;
      throw apiError(error as ServiceError, this.#options.grpcAddresses.join(", "));
    } finally {
      signal.removeEventListener("abort", onAbort);
      stream.cancel();
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  /** The next one where one is not there; the last one's failure is what is told. */
  async #reachableServer(signal: AbortSignal): Promise<ApiServer> {
    for (let left = this.#servers.length; left > 1; left--) {
      const server = this.#servers[0] as ApiServer;
      if (await server.isReachable(Date.now() + CONNECT_TIMEOUT_MS, signal)) return server;
      this.#servers.push(...this.#servers.splice(0, 1));
    }
    return this.#servers[0] as ApiServer;
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const { token, isReadOnly } = this.#options;
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    if (isReadOnly) metadata.set("rexec-read-only", "true");
    return metadata;
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
    const { signal, grpcAddresses } = this.#options;
    const metadata = this.#metadata();
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
