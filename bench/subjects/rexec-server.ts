// `rexec server` as anybody starts it, on free ports that it keeps when it is started again.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, startChild } from "../child.ts";
import { steadyPort } from "../../test/support/steady-port.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

export interface RexecServer {
  checkout: string;
  bin: string;
  /** Of a user of its own, whose home is the subject's directory. */
  home: Readonly<Record<string, string>>;
  httpUrl: string;
  wsUrl: string;
  grpcAddress: string;
  /** The first admin's. */
  token: string;
  tokenFile: string;
  /** Of the process that serves now. */
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface RexecServerOptions {
  directory: string;
  nodeFlags: readonly string[];
  /** Beside what every bench's server is told; without a database it has one in memory. */
  settings?: Readonly<Record<string, string>>;
  /** Another checkout, built, to compare this one with. */
  checkout?: string | undefined;
}

export async function startRexecServer(options: RexecServerOptions): Promise<RexecServer> {
  const { directory, nodeFlags, settings, checkout = CHECKOUT } = options;
  const bin = join(checkout, "bin/rexec.js");
  const home = { HOME: directory, XDG_CONFIG_HOME: directory };
  const tokenFile = join(directory, "admin-token");
  const [httpPort, grpcPort] = [await steadyPort(), await steadyPort()];
  const environment = {
    ...home,
    REXEC_HTTP_PORT: String(httpPort),
    REXEC_GRPC_PORT: String(grpcPort),
    REXEC_JWT_SECRET: "the throw-away secret of one bench",
    REXEC_BOOTSTRAP_TOKEN_FILE: tokenFile,
    REXEC_LOG_LEVEL: "warn",
    ...NO_LIMITS,
    ...settings,
  };
  const start = async (): Promise<Child> => {
    const child = startChild(process.execPath, [...nodeFlags, bin, "server"], environment);
    try {
      await child.line(/^serving /);
      return child;
    } catch (error) {
      await child.stop();
      throw error;
    }
  };
  let running = await start();
  return {
    checkout,
    bin,
    home,
    httpUrl: `http://127.0.0.1:${httpPort}`,
    wsUrl: `ws://127.0.0.1:${httpPort}`,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    token: (await readFile(tokenFile, "utf8")).trim(),
    tokenFile,
    get pid() {
      return running.pid;
    },
    kill: () => running.stop("SIGKILL"),
    async start() {
      running = await start();
    },
    stop: () => running.stop(),
  };
}

/** More attempts than a bench makes: they all come from one account and one address. */
const NO_LIMITS = Object.fromEntries(
  ["REGISTRATIONS", "REGISTRATIONS_PER_ADDRESS", "OPENS", "OPENS_PER_ADDRESS"].map((name) => [
    `REXEC_RATE_${name}`,
    "1000000",
  ]),
);
