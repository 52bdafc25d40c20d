// The product: `rexec server` with its database in memory, and `rexec agent run`, as anybody starts them.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** `before`: another checkout, built, to compare this one with. */
export async function startRexec({ directory, shell, nodeFlags }: SubjectOptions, before?: string): Promise<Subject> {
  const checkout = before ?? CHECKOUT;
  const bin = join(checkout, "bin/rexec.js");
  const home = { HOME: directory, XDG_CONFIG_HOME: directory };
  const tokenFile = join(directory, "admin-token");
  const server = startChild(process.execPath, [...nodeFlags, bin, "server"], {
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
    const enrolled = startChild(process.execPath, [bin, ...enrolment, "agent", "enroll", "--name", "bench"], home);
    const { id: agentId } = JSON.parse(await enrolled.ended().then(firstJsonLine)) as { id: string };
    const agent = startChild(process.execPath, [...nodeFlags, bin, "agent", "run"], { ...home, REXEC_SHELL: shell });
    await agent.line(/agent connected/);
    const token = (await readFile(tokenFile, "utf8")).trim();
    return {
      name: before === undefined ? "rexec" : "before",
      target: { kind: "rexec", checkout, wsUrl: httpUrl.replace("http", "ws"), agentId, token },
      relayPid: server.pid,
      agentPid: agent.pid,
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
