// A key press: rexec attach → server → agent → PTY and back, each a real process of its own.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startAgentProcess } from "../support/agent-process.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { startInTerminal, type TerminalProcess } from "../support/terminal-process.ts";
import { listSessionsOver, registerOver } from "../support/test-server.ts";

const BIN = fileURLToPath(new URL("../../bin/rexec.js", import.meta.url));
const cleanUps: (() => unknown)[] = [];
let directory: string;
let server: ServerProcess;
let agentToken: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-key-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  server = await startServerProcess(directory);
  cleanUps.push(() => server.stop());
  const { agentId, token } = await registerOver(server.grpcAddress, server.adminToken, "key-press");
  agentToken = token;
  const agent = await startAgentProcess({ httpUrl: server.httpUrl, agentId, token, directory });
  cleanUps.push(() => agent.kill("SIGTERM"));
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

function attach(...flags: string[]): TerminalProcess {
  const { grpcAddress, httpUrl, adminToken } = server;
  const terminal = startInTerminal({
    file: process.execPath,
    args: [BIN, "attach", "key-press", "--server", httpUrl, "--grpc", grpcAddress, ...flags],
    cwd: directory,
    env: { HOME: directory, PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", REXEC_TOKEN: adminToken },
    size: { cols: 80, rows: 24 },
  });
  cleanUps.push(() => terminal.kill());
  return terminal;
}

it("comes back as output, and the shell's exit code is the command's", async () => {
  const terminal = attach("--split");
  await terminal.shows(/[$#]$/m);
  terminal.type("echo he$((5+6))o\r");
  await terminal.shows(/^he11o$/m);
  terminal.type("exit 42\r");
  expect(await terminal.exitCode).toBe(42);
});

it("follows the window's size", async () => {
  const terminal = attach("--split");
  await terminal.shows(/[$#]$/m);
  terminal.resize({ cols: 100, rows: 31 });
  terminal.type("sleep 0.2; stty size\r");
  await terminal.shows(/^31 100$/m);
  terminal.type("exit\r");
  await terminal.exitCode;
});

it("reaches main again after a detach with Ctrl+]: the shell has gone on", async () => {
  const first = attach();
  await first.shows(/[$#]$/m);
  first.type("marker=k$((6*7))\r");
  first.type("\x1d");
  expect(await first.exitCode).toBe(0);
  const second = attach();
  await second.shows(/[$#]$/m);
  second.type("echo $marker\r");
  await second.shows(/^k42$/m);
  second.type("\x1d");
  await second.exitCode;
});

it("shows a late viewer the screen of a running vim at once", async () => {
  const first = attach("--split");
  await first.shows(/[$#]$/m);
  const file = join(directory, "poem.txt");
  first.type(`printf 'line %s\\n' 1 2 3 > '${file}'; vim -u NONE -N '${file}'\r`);
  await first.shows(/^~$/m);
  first.type("Gohello from vim\x1b");
  await first.shows(/^hello from vim$/m);
  const sessions = await listSessionsOver(server.grpcAddress, server.adminToken);
  const sessionId = sessions.find(({ id }) => id.startsWith("split-"))?.id ?? "none";
  const second = attach("--session", sessionId);
  await second.shows(/^line 1\nline 2\nline 3\nhello from vim\n~\n/);
  await expect.poll(() => second.screen()).toEqual(first.screen());
  first.type(":q!\r");
  await first.shows(/[$#]$/m);
  await second.shows(/[$#]$/m);
  first.type("exit\r");
  await Promise.all([first.exitCode, second.exitCode]);
});

it("leaves the agent's token in no child's environment or command line", async () => {
  const terminal = attach("--split");
  await terminal.shows(/[$#]$/m);
  terminal.type("echo pid=$$\r");
  await terminal.shows(/^pid=\d+$/m);
  const pid = /^pid=(\d+)$/m.exec(terminal.screen().join("\n"))?.[1];
  const [environ, cmdline] = await Promise.all(
    ["environ", "cmdline"].map((name) => readFile(`/proc/${pid}/${name}`, "latin1")),
  );
  expect(environ).toContain("TERM=xterm-256color");
  expect(environ).not.toMatch(/REXEC_|rexec_/);
  expect(`${environ}${cmdline}`).not.toContain(agentToken);
  terminal.type("exit\r");
  await terminal.exitCode;
});
