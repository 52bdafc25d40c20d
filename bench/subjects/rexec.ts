// The product: `rexec server` with its database in memory, and `rexec agent run`, as anybody starts them.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const BIN = fileURLToPath(new URL("../../bin/rexec.js", import.meta.url));

export async function startRexec({ directory, shell, nodeFlags }: SubjectOptions): Promise<Subject> {
  const home = { HOME: directory, XDG_CONFIG_HOME: directory };
  const tokenFile = join(directory, "admin-token");
  const server = startChild(process.execPath, [...nodeFlags, BIN, "server"], {
    ...home,
    REXEC_HTTP_PORT: "0",
    REXEC_GRPC_PORT: "0",
    REXEC_JWT_SECRET: "the throw-away secret of one bench",
    REXEC_BOOTSTRAP_TOKEN_FILE: tokenFile,
    REXEC_LOG_LEVEL: "warn",
  });
  try {
    const serving = await server.line(/^serving /);
    const [, httpUrl, grpcAddress] = /(http:\/\/\S+) and gRPC on (\S+)/.exec(serving) ?? [];
    if (httpUrl === undefined || grpcAddress === undefined) throw new Error(`not understood: ${serving}`);
    const enrolment = ["--server", httpUrl, "--grpc", grpcAddress, "--token-file", tokenFile, "--json"];
    const enrolled = startChild(process.execPath, [BIN, ...enrolment, "agent", "enroll", "--name", "bench"], home);
    const { id: agentId } = JSON.parse(await enrolled.ended().then(firstJsonLine)) as { id: string };
    const agent = startChild(process.execPath, [...nodeFlags, BIN, "agent", "run"], { ...home, REXEC_SHELL: shell });
    await agent.line(/agent connected/);
    const token = (await readFile(tokenFile, "utf8")).trim();
    return {
      name: "rexec",
      target: { kind: "rexec", wsUrl: httpUrl.replace("http", "ws"), agentId, token },
      relayPid: server.pid,
      async stop() {
        await agent.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function firstJsonLine(text: string): string {
  const line = text.split("\n").find((each) => each.startsWith("{"));
  if (line === undefined) throw new Error(`no JSON in: ${text}`);
  return line;
}
