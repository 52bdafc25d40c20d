// `rexec server` as a process of its own on fixed ports, that can be killed and started again.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type RexecProcess, startRexec } from "./processes.ts";
import { steadyPort } from "./steady-port.ts";
import { TEST_JWT_SECRET } from "./test-server.ts";

export interface ServerProcess {
  httpUrl: string;
  wsUrl: string;
  grpcAddress: string;
  adminToken: string;
  readonly process: RexecProcess;
  /** Kills it with the signal and starts it again on the same ports and data. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export async function startServerProcess(
  directory: string,
  environment: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
): Promise<ServerProcess> {
  const [httpPort, grpcPort] = [await steadyPort(), await steadyPort()];
  const tokenFile = join(directory, "admin-token");
  const start = async (): Promise<RexecProcess> => {
    const settings = {
      HOME: directory,
      REXEC_HTTP_PORT: String(httpPort),
      REXEC_GRPC_PORT: String(grpcPort),
      ...("REXEC_DATABASE_URL" in environment ? {} : { REXEC_DATA_DIR: join(directory, "data") }),
      REXEC_JWT_SECRET: TEST_JWT_SECRET,
      REXEC_BOOTSTRAP_TOKEN_FILE: tokenFile,
      REXEC_LOG_LEVEL: "warn",
      ...environment,
    };
    const running = startRexec(["server"], settings, nodeOptions);
    await running.line(/^serving /);
    return running;
  };
  let running = await start();
  return {
    httpUrl: `http://127.0.0.1:${httpPort}`,
    wsUrl: `ws://127.0.0.1:${httpPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    adminToken: (await readFile(tokenFile, "utf8")).trim(),
    get process() {
      return running;
    },
    async restart(signal) {
      await running.kill(signal);
      running = await start();
    },
    async stop() {
      await running.kill("SIGTERM");
    },
  };
}
