// Programs that are started again and again.

import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { type Child, startChild } from "../child.ts";
import { PROMPT } from "../client/session.ts";
import { enrollRexecAgent, runRexecAgent } from "./rexec-agent.ts";
import { startRexecServer } from "./rexec-server.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

export interface StartSubject extends Subject {
  /** Milliseconds until it serves. */
  startServer(): Promise<number>;
  /** Milliseconds until the prompt shows. */
  attach(): Promise<number>;
}

const PROMPT_TIMEOUT_MS = 30_000;

/** The embedded database is in a directory, and has been there before. */
export async function startRexecStarts(options: SubjectOptions, before?: string): Promise<StartSubject> {
  const settings = { REXEC_DATA_DIR: join(options.directory, "data") };
  const server = await startRexecServer({ ...options, settings, checkout: before });
  let agent: Child | undefined;
  const agentId = await enrollRexecAgent(server).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return {
    name: before === undefined ? "rexec" : "before",
    async startServer() {
      await agent?.stop();
      await server.stop();
      const startedAtMs = performance.now();
      await server.start();
      const ms = performance.now() - startedAtMs;
      agent = await runRexecAgent(server, options);
      return ms;
    },
    attach: () => {
      const from = ["--server", server.httpUrl, "--grpc", server.grpcAddress, "--token-file", server.tokenFile];
      return timeUntil(PROMPT, [server.bin, ...from, "attach", agentId], server.home);
    },
    async stop() {
      await agent?.stop();
      await server.stop();
    },
  };
}

/** A Node that says one word. */
export function startNodeStarts(): StartSubject {
  const sayHello = ["-e", `console.log("${PROMPT}")`];
  return {
    name: "floor",
    async startServer() {
      const startedAtMs = performance.now();
      const child = startChild(process.execPath, sayHello, {});
      await child.line(/bench/);
      return performance.now() - startedAtMs;
    },
    attach: () => timeUntil(PROMPT, sayHello, {}),
    stop: () => Promise.resolve(),
  };
}

/** In a terminal, as somebody sees it. What runs there is ended afterwards. */
async function timeUntil(
  text: string,
  commandLine: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(
    () => reject(new Error(`no ${text} in ${PROMPT_TIMEOUT_MS} ms: ${seen}`)),
    PROMPT_TIMEOUT_MS,
  );
  const startedAtMs = performance.now();
  const env = { PATH: "/usr/bin:/bin", TERM: "xterm-256color", ...environment };
  const pty = spawn(process.execPath, [...commandLine], { cwd: "/", env, cols: 80, rows: 24 });
  let seen = "";
  pty.onData((data) => {
    seen = (seen + data).slice(-4096);
    if (seen.includes(text)) resolve(performance.now() - startedAtMs);
  });
  const exited = new Promise<void>((done) => pty.onExit(() => done()));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    pty.kill();
    await exited;
  }
}
