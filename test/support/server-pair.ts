// Two `rexec server` processes on one database, as an agent and a viewer with a list of servers meet them.

import { credentials } from "@grpc/grpc-js";
import { InstanceServiceClient } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { freshDatabase } from "./fresh-database.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { call } from "./test-server.ts";

export interface ServerPair {
  a: ServerProcess;
  b: ServerProcess;
  /** "http://a,http://b", and the same of gRPC. */
  servers: string;
  grpcAddresses: string;
  /** Takes `a` out of service and leaves it running. */
  drainA(): Promise<void>;
  /** `a` takes connections and answers nothing from now on. */
  stopA(): void;
  close(): Promise<void>;
}

export async function startServerPair(directory: string): Promise<ServerPair> {
  const database = { REXEC_DATABASE_URL: await freshDatabase() };
  const a = await startServerProcess(directory, { ...database, REXEC_INSTANCE_ID: "a" });
  const b = await startServerProcess(directory, { ...database, REXEC_INSTANCE_ID: "b" });
  return {
    a,
    b,
    servers: `${a.httpUrl},${b.httpUrl}`,
    grpcAddresses: `${a.grpcAddress},${b.grpcAddress}`,
    async drainA() {
      const client = new InstanceServiceClient(a.grpcAddress, credentials.createInsecure());
      try {
        await call(client, "drainInstance", { instanceId: "a" }, a.adminToken);
      } finally {
        client.close();
      }
    },
    stopA: () => void a.process.child.kill("SIGSTOP"),
    async close() {
      await Promise.all([a.process.kill("SIGKILL"), b.process.kill("SIGKILL")]);
    },
  };
}
