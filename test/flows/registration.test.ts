// Registering an agent: rexec agent enroll → server → Postgres, each a real process; the plan is kept, the token is
// shown once, and what it may do ends at its own agent's socket.

import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { type RexecProcess, startRexec } from "../support/processes.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { call } from "../support/test-server.ts";

let directory: string;
let server: ServerProcess;
let database: Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-registration-"));
  const url = await freshDatabase();
  server = await startServerProcess(directory, { REXEC_DATABASE_URL: url, REXEC_DATA_DIR: "" });
  database = new Client(url);
  await database.connect();
});

afterAll(async () => {
  await database.end();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function enroll(home: string, ...flags: string[]): RexecProcess {
  const { httpUrl, grpcAddress, adminToken } = server;
  return startRexec(["agent", "enroll", "--server", httpUrl, "--grpc", grpcAddress, ...flags], {
    HOME: home,
    REXEC_TOKEN: adminToken,
  });
}

it("gives this machine an id and a token that only its owner can read, and writes row, hash and audit", async () => {
  const home = join(directory, "home");
  const ended = await enroll(home, "--name", "web-1", "--tag", "eu").ended;
  expect(ended.code).toBe(0);
  const file = join(home, ".config/rexec/agent.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const stored = JSON.parse(await readFile(file, "utf8")) as { agent_id: string; token: string };
  expect(stored.token).toMatch(/^rexec_[0-9a-f]{64}$/);

  const agents = await database.query("SELECT name, tags, status FROM agents WHERE id = $1", [stored.agent_id]);
  expect(agents.rows).toEqual([{ name: "web-1", tags: ["eu"], status: "registered" }]);
  const tokens = await database.query("SELECT scopes, prefix, name FROM api_tokens WHERE agent_id = $1", [
    stored.agent_id,
  ]);
  expect(tokens.rows).toEqual([{ scopes: ["agent"], prefix: stored.token.slice(0, 12), name: "agent-web-1" }]);
  const audit = await database.query("SELECT type FROM audit_log WHERE subject = $1", [`agent:${stored.agent_id}`]);
  expect(audit.rows).toEqual([{ type: "agent.registered" }]);
  // Not in any column of any table.
  for (const table of ["agents", "api_tokens", "audit_log", "users"]) {
    const rows = await database.query(`SELECT t::text AS row FROM ${table} t`);
    for (const { row } of rows.rows as { row: string }[]) expect(row).not.toContain(stored.token.slice(12));
  }

  const client = new AgentServiceClient(server.grpcAddress, credentials.createInsecure());
  await expect(call(client, "getAgent", { agentId: stored.agent_id }, stored.token)).rejects.toMatchObject({
    code: 7,
    details: "not authorized",
  });
  client.close();
});

it("refuses a name that is taken, and registers nothing", async () => {
  const before = await database.query("SELECT count(*) FROM agents");
  const refused = enroll(join(directory, "other-home"), "--name", "web-1");
  const { code } = await refused.ended;
  expect(code).toBe(1);
  expect(refused.stderr).toContain("an agent with this name exists already");
  expect((await database.query("SELECT count(*) FROM agents")).rows).toEqual(before.rows);
});

it("refuses one more than the plan allows, with the exit code for limits", async () => {
  await database.query("UPDATE users SET admin = false, plan = 'free'");
  await database.query("UPDATE plans SET max_agents = 1 WHERE name = 'free'");
  // The token is verified afresh: what the server remembers of the admin is 5 minutes old at most.
  await server.restart("SIGTERM");
  const refused = enroll(join(directory, "third-home"), "--name", "web-2");
  const { code } = await refused.ended;
  expect(refused.stderr).toContain("agent limit reached for your plan");
  expect(code).toBe(6);
});
