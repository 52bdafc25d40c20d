// The control plane from Node: stubs made of the protos, a token on every call, errors with their reasons.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import protobuf from "protobufjs";

const protos = fileURLToPath(new URL("../../proto", import.meta.url));
const { rexec } = grpc.loadPackageDefinition(
  loadSync(["rexec/agent/v1/agent_service.proto", "rexec/session/v1/session_service.proto"], {
    includeDirs: [protos],
    keepCase: true,
    defaults: true,
    longs: Number,
    enums: String,
  }),
);

const details = new protobuf.Root();
details.resolvePath = (_, path) => (path.startsWith("google/protobuf/") ? path : `${protos}/${path}`);
details.loadSync(["google/rpc/status.proto", "google/rpc/error_details.proto"]);

const address = process.env.REXEC_GRPC ?? "127.0.0.1:7071";
export const agents = new rexec.agent.v1.AgentService(address, grpc.credentials.createInsecure());
export const sessions = new rexec.session.v1.SessionService(address, grpc.credentials.createInsecure());

/** One call with a deadline. Rejects with a RexecError. */
export function call(client, method, request) {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${process.env.REXEC_TOKEN ?? ""}`);
  return new Promise((resolve, reject) => {
    client[method](request, metadata, { deadline: Date.now() + 10_000 }, (error, response) => {
      if (error === null) resolve(response);
      else reject(new RexecError(error));
    });
  });
}

export class RexecError extends Error {
  constructor(error) {
    super(error.details, { cause: error });
    /** What google.rpc details there are: ErrorInfo, and QuotaFailure, RetryInfo or BadRequest. */
    this.details = readDetails(error.metadata);
    /** To compare; undefined where the error is not the server's own. */
    this.reason = this.details.ErrorInfo?.reason;
  }
}

function readDetails(metadata) {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (bytes === undefined) return {};
  const status = details.lookupType("google.rpc.Status").decode(bytes);
  return Object.fromEntries(
    status.details.map(({ type_url: url, value }) => {
      const type = details.lookupType(url.split("/").at(-1));
      return [type.name, type.toObject(type.decode(value))];
    }),
  );
}

/** Runs a program's work, and says of a refusal what there is to say. */
export async function main(work) {
  try {
    await work(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof RexecError)) throw error;
    console.error(`${error.reason ?? "UNKNOWN"}: ${error.message} ${JSON.stringify(error.details)}`);
    process.exitCode = 1;
  } finally {
    agents.close();
    sessions.close();
  }
}
