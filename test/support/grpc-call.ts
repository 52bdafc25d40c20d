// Calls a gRPC server with the generated definitions, and reads errors as a client's error library would.
import { Client, credentials, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo, QuotaFailure, RetryInfo } from "../../src/gen/google/rpc/error_details.ts";
import { Status } from "../../src/gen/google/rpc/status.ts";

export interface CallFailure {
  code: number;
  message: string;
  /** Undefined where there are no details: the error is not one of the server's own. */
  reason?: string;
  domain?: string;
  metadata?: Record<string, string>;
  quota?: { subject: string; description: string }[];
  retryDelayS?: number;
  violations?: { field: string; description: string }[];
  /** grpc-status-details-bin, in hex. */
  detailsHex?: string;
}

export type CallResult<Response> = { outcome: "ok"; response: Response } | ({ outcome: "failed" } & CallFailure);

export interface Credentials {
  token?: string | undefined;
  /** In place of the authorization that `token` would make. */
  metadata?: Metadata;
  onCall?(cancel: () => void): void;
  deadlineMs?: number;
}

export interface GrpcCaller {
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    as?: Credentials,
  ): Promise<CallResult<Response>>;
  close(): void;
}

/** `ownConnection`: grpc-js would otherwise share one connection among all callers of a port. */
export function grpcCaller(port: number, { ownConnection = false } = {}): GrpcCaller {
  const options = { "grpc.use_local_subchannel_pool": ownConnection ? 1 : 0 };
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  return {
    call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request, as: Credentials = {}) {
      const metadata = as.metadata ?? new Metadata();
      if (as.token !== undefined) metadata.set("authorization", `Bearer ${as.token}`);
      const { path, requestSerialize, responseDeserialize, responseStream } = method;
      const options = { deadline: Date.now() + (as.deadlineMs ?? 20_000) };
      return new Promise<CallResult<Response>>((resolve) => {
        if (responseStream) {
          const stream = client.makeServerStreamRequest(
            path,
            requestSerialize,
            responseDeserialize,
            request,
            metadata,
            options,
          );
          stream.on("error", (error: ServiceError) => resolve({ outcome: "failed", ...readFailure(error) }));
          // The first response is enough.
          stream.on("data", (response: Response) => {
            resolve({ outcome: "ok", response });
            stream.cancel();
          });
          return;
        }
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          metadata,
          options,
          (error, response) => {
            if (error !== null) resolve({ outcome: "failed", ...readFailure(error) });
            else resolve({ outcome: "ok", response: response as Response });
          },
        );
        as.onCall?.(() => call.cancel());
      });
    },
    close: () => client.close(),
  };
}

/** The response of a call that must succeed. */
export async function ok<Response>(result: Promise<CallResult<Response>>): Promise<Response> {
  const settled = await result;
  if (settled.outcome === "failed") throw new Error(`the call failed: ${JSON.stringify(settled)}`);
  return settled.response;
}

/** The error of a call that must fail. */
export async function failure(result: Promise<CallResult<unknown>>): Promise<CallFailure> {
  const settled = await result;
  if (settled.outcome === "ok") throw new Error(`the call succeeded: ${JSON.stringify(settled.response)}`);
  const { outcome: _, ...rest } = settled;
  return rest;
}

function readFailure(error: ServiceError): CallFailure {
  const failure: CallFailure = { code: error.code, message: error.details };
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) return failure;
  failure.detailsHex = bytes.toString("hex");
  const status = Status.decode(bytes);
  if (status.code !== Number(error.code) || status.message !== error.details)
    throw new Error("the two statuses differ");
  for (const { typeUrl, value } of status.details) {
    switch (typeUrl) {
      case "type.googleapis.com/google.rpc.ErrorInfo":
        Object.assign(failure, ErrorInfo.decode(value));
        break;
      case "type.googleapis.com/google.rpc.QuotaFailure":
        failure.quota = QuotaFailure.decode(value).violations;
        break;
      case "type.googleapis.com/google.rpc.RetryInfo": {
        const { retryDelay } = RetryInfo.decode(value);
        failure.retryDelayS = (retryDelay?.seconds ?? 0) + (retryDelay?.nanos ?? 0) / 1e9;
        break;
      }
      case "type.googleapis.com/google.rpc.BadRequest":
        failure.violations = BadRequest.decode(value).fieldViolations;
        break;
      default:
        throw new Error(`an unknown detail: ${typeUrl}`);
    }
  }
  return failure;
}
