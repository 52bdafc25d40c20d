// A server that is killed, one that is stopped, and one that is slow to answer, as the operator before the screen has it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { adminApi } from "../support/admin-cluster.ts";
import { type AdminTui, ENTER, ERASE_LINE, ESCAPE, openAdminTui, startAdminTui } from "../support/admin-tui.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { registerOver } from "../support/test-server.ts";

const AGENTS = 12;
/** Who waits for a server that does not answer waits for 10 s at least; a busy machine takes a second for a key. */
const AT_ONCE_MS = 3_000;

let directory: string;
let server: ServerProcess;
const agents: RunningAgent[] = [];
const agentIds: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-admin-lost-"));
  server = await startServerProcess(directory, { REXEC_DATABASE_URL: await freshDatabase(), REXEC_DATA_DIR: "" });
  for (let n = 1; n <= AGENTS; n++) {
    const { agentId, token } = await registerOver(server.grpcAddress, server.adminToken, `node-${10 + n}`);
    agentIds.push(agentId);
    agents.push(await startTestAgent({ wsUrl: server.wsUrl, agentId, token }));
  }
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop("the test is over")));
  await server?.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

// What a failed test leaves is not the next one's.
afterEach(async () => {
  const { child } = server.process;
  if (child.exitCode !== null || child.signalCode !== null) await server.restart("SIGKILL");
});

function open(): Promise<AdminTui> {
  return openAdminTui({ server, token: server.adminToken, directory });
}

/** Moves the cursor by a key, and says how long it took until it was seen. */
async function moved(tui: AdminTui, key: string, name: string): Promise<number> {
  const before = performance.now();
  tui.type(key);
  await tui.shows(new RegExp(`^> \\S +${name} `, "m"));
  return performance.now() - before;
}

const BANNER = /CONNECTION LOST +data is (\d+)s old +next try in \d+s/;

it("keeps the list while a killed server is away, and goes on with it where it was", async () => {
  const tui = await open();
  await moved(tui, "jjjjj", "node-16");
  await server.process.kill("SIGKILL");
  await tui.shows(BANNER);
  // The banner takes a line, and the list all others: every agent is still there, as it was.
  expect(tui.rows(/ node-\d\d /)).toHaveLength(AGENTS);
  expect(tui.text()).toMatch(/LOST \d+s/);
  expect(await moved(tui, "j", "node-17")).toBeLessThan(AT_ONCE_MS);
  const ageOf = () => Number(BANNER.exec(tui.text())?.[1]);
  const age = ageOf();
  await expect.poll(ageOf).toBeGreaterThan(age);

  for (const [key, command] of [
    ["D", "delete"],
    ["r", "rename"],
    ["s", "shell"],
  ] as const) {
    tui.type(key);
    await tui.shows(new RegExp(`! ${command}: not connected: changes wait until the server is back`));
  }
  tui.type("?");
  await tui.shows(/─ Keys ─/);
  await tui.leave(/─ Keys ─/);

  await server.restart("SIGKILL");
  await tui.shows(/LIVE/);
  await tui.hides(/CONNECTION LOST/);
  await tui.shows(/^> \+ +node-17 /m);
  expect(tui.rows(/ node-\d\d /)).toHaveLength(AGENTS);
  // And changes are made again.
  tui.type("r");
  await tui.shows(/─ Rename node-17 ─/);
  tui.type(`${ERASE_LINE}node-17-back${ENTER}`);
  await tui.shows(/ok: renamed to node-17-back/);
  await tui.shows(/^> \+ +node-17-back/m);
  const api = adminApi(server, server.adminToken);
  const { agent } = await api.call(AgentServiceService.getAgent, { agentId: agentIds[6] ?? "" });
  expect(agent?.name).toBe("node-17-back");
  api.close();
  tui.type("q");
  expect(await tui.exitCode).toBe(0);
});

it("answers keys while a server is stopped, notices it, and goes on when it is continued", async () => {
  const tui = await open();
  process.kill(server.process.pid, "SIGSTOP");
  try {
    expect(await moved(tui, "j", "node-12")).toBeLessThan(AT_ONCE_MS);
    // No connection has closed: only what is not answered tells of it.
    await tui.shows(BANNER);
    expect(await moved(tui, "j", "node-13")).toBeLessThan(AT_ONCE_MS);
    expect(tui.rows(/ node-\d\d/)).toHaveLength(AGENTS);
  } finally {
    process.kill(server.process.pid, "SIGCONT");
  }
  await tui.shows(/LIVE/);
  await tui.hides(/CONNECTION LOST/);
  await tui.shows(/^> \+ +node-13 /m);
  tui.kill();
});

it("turns a spinner while a server is slow to answer, and answers keys", async () => {
  const [host = "", port = ""] = server.grpcAddress.split(":");
  const network = await startTcpProxy({ host, port: Number(port) });
  const slow = { httpUrl: server.httpUrl, grpcAddress: network.through(`tcp://${server.grpcAddress}`).slice(6) };
  network.fallSilent();
  const tui = startAdminTui({ server: slow, token: server.adminToken, directory });
  await tui.shows(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] connecting/);
  const spinner = () => /(.) connecting/.exec(tui.text())?.[1];
  const first = spinner();
  await expect.poll(spinner).not.toBe(first);
  await tui.shows(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] loading/);
  const before = performance.now();
  tui.type("?");
  await tui.shows(/─ Keys ─/);
  expect(performance.now() - before).toBeLessThan(AT_ONCE_MS);
  tui.type(ESCAPE);
  await network.mend();
  await tui.shows(/LIVE/);
  await tui.shows(/\[1 Agents 12\]/);

  // And again, while it is open: what was there stays.
  network.fallSilent();
  expect(await moved(tui, "j", "node-12")).toBeLessThan(AT_ONCE_MS);
  await tui.shows(BANNER);
  expect(tui.rows(/ node-\d\d/)).toHaveLength(AGENTS);
  await network.mend();
  await tui.hides(/CONNECTION LOST/);
  tui.kill();
  await network.close();
});

it("gives up a server that never answers at first, and leaves the terminal as it was", async () => {
  const [host = "", port = ""] = server.grpcAddress.split(":");
  const network = await startTcpProxy({ host, port: Number(port) });
  const silent = { httpUrl: server.httpUrl, grpcAddress: network.through(`tcp://${server.grpcAddress}`).slice(6) };
  network.fallSilent();
  const flags = ["--timeout", "2s"];
  const tui = startAdminTui({ server: silent, token: server.adminToken, directory, flags });
  await tui.shows(/connecting/);
  expect(await tui.exitCode).toBe(8);
  await tui.shows(/^rexec: the server at \S+ has not answered in time$/m);
  expect(tui.output().lastIndexOf("\x1b[?1049l")).toBeGreaterThan(tui.output().lastIndexOf("\x1b[?1049h"));
  await network.close();
});
