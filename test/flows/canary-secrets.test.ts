// No secret is where somebody else might read it: real processes are given secrets by every way there is, right and
// wrong ones, and afterwards everything that they have written and started is searched.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  AgentServiceService,
  CreateEnrollmentCodeRequest,
  EnrollAgentRequest,
  ListAgentsRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import { CreateShareRequest, ShareAccess, ShareServiceService } from "../../src/gen/rexec/share/v1/share_service.ts";
import { ExchangeTokenRequest, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { tokenSubprotocol } from "../../src/protocol/subprotocol.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { startControlPlane } from "../support/control-plane.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { grpcCaller, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";
import { type RexecProcess, startRexec } from "../support/processes.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { registerOver } from "../support/test-server.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";
import { WireSocket } from "../wire/wire-socket.ts";

/** By which a token may be recognised. */
const PREFIX_LENGTH = 12;

/** Everything secret, by what it is. */
const canaries = new Map<string, string>();
function canary<T extends string>(what: string, secret: T): T {
  if (secret.length < 8) throw new Error(`${what} is too short to be found for sure`);
  canaries.set(what, secret);
  return secret;
}

/** What each process has written, all of it. */
const written = new Map<string, string>();
function run(name: string, commandLine: readonly string[], environment: Record<string, string>): RexecProcess {
  const started = startRexec(commandLine, environment);
  written.set(name, "");
  for (const stream of [started.child.stdout, started.child.stderr]) {
    stream?.on("data", (text: Buffer) => written.set(name, `${written.get(name)}${text.toString()}`));
  }
  cleanUps.push(() => started.kill());
  return started;
}

const cleanUps: (() => Promise<unknown>)[] = [];
let databaseUrl: string;
let databaseNetwork: TcpProxy;
let server: RexecProcess;
let agent: RexecProcess;
let viewer: V2Viewer;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-canary-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const database = new URL(await freshDatabase());
  // A database that asks for none is given one, too.
  if (database.password === "") database.password = randomBytes(12).toString("hex");
  databaseUrl = database.href;
  canary("database password", decodeURIComponent(database.password));
  databaseNetwork = await startTcpProxy({ host: database.hostname, port: Number(database.port || 5432) });
  cleanUps.push(() => databaseNetwork.close());

  server = run("server", ["--json", "server"], {
    HOME: directory,
    REXEC_HTTP_PORT: "0",
    REXEC_GRPC_PORT: "0",
    REXEC_DATABASE_URL: databaseNetwork.through(databaseUrl),
    REXEC_JWT_SECRET: canary("JWT secret", randomBytes(32).toString("hex")),
    REXEC_METRICS_TOKEN: canary("metrics token", randomBytes(16).toString("hex")),
    REXEC_BOOTSTRAP_TOKEN_FILE: join(directory, "admin-token"),
    REXEC_LOG_LEVEL: "debug",
  });
  const where = JSON.parse(await server.line(/"http_port"/)) as { http_port: number; grpc_port: number };
  const httpUrl = `http://127.0.0.1:${where.http_port}`;
  const wsUrl = `ws://127.0.0.1:${where.http_port}`;
  const grpcAddress = `127.0.0.1:${where.grpc_port}`;
  const adminToken = canary("API token", (await readFile(join(directory, "admin-token"), "utf8")).trim());

  const registered = await registerOver(grpcAddress, adminToken, "canary");
  const { agentId } = registered;
  canary("agent token", registered.token);
  await mkdir(join(directory, "agent"));
  agent = run("agent", ["agent", "run"], {
    HOME: join(directory, "agent"),
    SHELL: "/bin/sh",
    REXEC_HOST: httpUrl,
    REXEC_AGENT_ID: agentId,
    REXEC_TOKEN: registered.token,
  });
  await agent.line(/agent connected/);

  const caller = grpcCaller(where.grpc_port);
  cleanUps.push(async () => caller.close());
  const as = { token: adminToken };
  const { jwt } = await ok(caller.call(TokenServiceService.exchangeToken, ExchangeTokenRequest.fromPartial({}), as));
  canary("JWT", jwt);
  const opening = OpenTerminalRequest.fromPartial({ agentId });
  const { ticket } = await ok(caller.call(SessionServiceService.openTerminal, opening, as));
  canary("ticket", ticket);

  const wrong = ["bearer", "query", "subprotocol", "agent", "path", "gRPC", "HTTP", "command line"].map(
    (way) => [way, canary(`wrong token (${way})`, anUnknownToken())] as const,
  );
  await useAllWays({ wsUrl, httpUrl, agentId, right: [adminToken, jwt, ticket], wrong: new Map(wrong) });
  const list = ListAgentsRequest.fromPartial({});
  await caller.call(AgentServiceService.listAgents, list, { token: canaries.get("wrong token (gRPC)") });
  await caller.call(AgentServiceService.listAgents, list, { token: `${jwt}x` });

  const makeCode = async (what: string) => {
    const invitation = CreateEnrollmentCodeRequest.fromPartial({ name: what });
    const { code } = await ok(caller.call(AgentServiceService.createEnrollmentCode, invitation, as));
    canary(`${what}, as it is stored`, code.replace("-", ""));
    return canary(what, code);
  };
  await makeCode("enrolment code");
  const wrongCode = canary("wrong enrolment code", "WR0N-GC0D");
  for (const code of [await makeCode("used enrolment code"), wrongCode]) {
    const request = EnrollAgentRequest.fromPartial({ code });
    await caller.call(AgentServiceService.enrollAgent, request);
  }

  for (const [name, token] of [
    ["whoami", adminToken],
    ["whoami, refused", canaries.get("wrong token (command line)") ?? ""],
  ] as const) {
    const flags = ["-v", "--server", httpUrl, "--grpc", grpcAddress];
    const environment = { HOME: directory, REXEC_TOKEN: token };
    await run(name, [...flags, "whoami"], environment).ended;
  }

  viewer = await V2Viewer.open(wsUrl, agentId, { token: adminToken });
  await viewer.type(`: ${canary("what was typed", randomBytes(16).toString("hex"))}\n`);
  await viewer.wire.until((all) => all.some((one) => one.kind === "data"));

  const sharing = CreateShareRequest.fromPartial({ agentId, access: ShareAccess.SHARE_ACCESS_WATCH });
  const { share, secret } = await ok(caller.call(ShareServiceService.createShare, sharing, as));
  await useShare(canary("secret of a share", secret), { wsUrl, httpUrl, agentId });
  await ok(caller.call(ShareServiceService.revokeShare, { shareId: share?.id ?? "" }, as));
  const link = { HOME: directory, REXEC_SHARE: `${httpUrl}/#share=${secret}` };
  await run("join, refused", ["-v", "join"], link).ended;

  // The refusals of what was wrong above are written: it is their rows that must be clean.
  const sql = new pg.Client({ connectionString: databaseUrl });
  await sql.connect();
  const refusals = "SELECT 1 FROM audit_log WHERE type = 'access.refused'";
  const areWritten = async () => expect((await sql.query(refusals)).rowCount).toBeGreaterThanOrEqual(6);
  await vi.waitFor(areWritten, { timeout: 20_000 });
  await sql.end();
  // What a database error has to say is logged as well.
  await databaseNetwork.cut();
  await caller.call(AgentServiceService.listAgents, list, as);
  await fetch(`${httpUrl}/readyz?token=${adminToken}`);
  await databaseNetwork.mend();
}, 120_000);
afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Every way to present a credential, with ones that open the door and ones that don't. */
async function useAllWays(input: {
  wsUrl: string;
  httpUrl: string;
  agentId: AgentId;
  right: readonly string[];
  wrong: ReadonlyMap<string, string>;
}): Promise<void> {
  const { wsUrl, httpUrl, agentId } = input;
  const terminal = `${wsUrl}/ws/agent/${agentId}/terminal`;
  for (const token of input.right) {
    const ways = [
      WireSocket.dial(terminal, { token, protocols: ["rexec.v2"] }),
      WireSocket.dial(`${terminal}?token=${token}`, { protocols: ["rexec.v2"] }),
      WireSocket.dial(terminal, { protocols: ["rexec.v2", tokenSubprotocol(token)] }),
    ];
    for (const way of ways) await (await way).close();
  }
  const wrong = (way: string): string => input.wrong.get(way) ?? "";
  await WireSocket.refused(terminal, { token: wrong("bearer") });
  await WireSocket.refused(`${terminal}?token=${wrong("query")}`);
  await WireSocket.refused(terminal, { protocols: ["rexec.v2", tokenSubprotocol(wrong("subprotocol"))] });
  await WireSocket.refused(`${wsUrl}/ws/agent/${agentId}?token=${wrong("agent")}`);
  await WireSocket.refused(`${wsUrl}/ws/agent/${wrong("path")}/terminal?token=${wrong("path")}`);
  for (const path of ["/healthz", "/readyz", "/nothing", "/metrics"]) {
    await fetch(`${httpUrl}${path}?token=${wrong("HTTP")}`, { headers: { authorization: `Bearer ${wrong("HTTP")}` } });
  }
}

/** A guest comes in by every way, reads what is shared, and asks for what is not. */
async function useShare(
  token: string,
  { wsUrl, httpUrl, agentId }: { wsUrl: string; httpUrl: string; agentId: string },
): Promise<void> {
  const terminal = `${wsUrl}/ws/agent/${agentId}/terminal`;
  const ways = [
    () => WireSocket.dial(terminal, { token }),
    () => WireSocket.dial(`${terminal}?token=${token}`),
    () => WireSocket.dial(terminal, { protocols: ["rexec.v2", tokenSubprotocol(token)] }),
  ];
  for (const dial of ways) await (await dial()).close();
  await WireSocket.refused(`${wsUrl}/ws/agent/${agentId}?token=${token}`);
  for (const path of ["/api/share", `/api/agents?token=${token}`]) {
    await fetch(`${httpUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
  }
}

/** Which secrets the text holds more of than may be shown. */
function secretsIn(text: string, of: ReadonlyMap<string, string> = canaries): string[] {
  return [...of]
    .filter(([, secret]) =>
      [secret.slice(0, PREFIX_LENGTH + 1), secret.slice(PREFIX_LENGTH), ...secret.split(".")].some(
        (part) => part !== "" && text.includes(part),
      ),
    )
    .map(([what]) => what);
}

function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = readProc(Number(name), "stat");
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid !== 0 && (pid === root || isBelow(parents.get(pid)));
  return [...parents.keys()].filter(isBelow);
}

function readProc(pid: number, file: "stat" | "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

describe("no secret", () => {
  it("is in what the processes write", () => {
    expect(written.get("server")).toContain('"level":40');
    expect(written.get("agent")).toContain("agent connected");
    expect(written.get("whoami, refused")).toContain("invalid token");
    expect(written.get("join, refused")).toContain("share has ended");
    for (const [name, text] of written) expect({ name, secrets: secretsIn(text) }).toEqual({ name, secrets: [] });
  });

  it("is in any process's command line, or in the environment of what the agent starts", () => {
    const all = [...processTree(server.pid), ...processTree(agent.pid)];
    for (const pid of all) expect(secretsIn(readProc(pid, "cmdline"))).toEqual([]);
    const shells = processTree(agent.pid).filter((pid) => pid !== agent.pid);
    expect(shells.map((pid) => readProc(pid, "cmdline")).join()).toContain("/bin/sh");
    for (const pid of shells) expect(secretsIn(readProc(pid, "environ"))).toEqual([]);
  });

  it("is in any row of the database", async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      const tables = await client.query<{ name: string }>(
        "SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'",
      );
      const found: string[] = [];
      for (const { name } of tables.rows) {
        const { rows } = await client.query<{ row: string }>(`SELECT row_to_json(t)::text AS row FROM ${name} t`);
        for (const { row } of rows) found.push(...secretsIn(row).map((what) => `${what} in ${name}`));
      }
      expect(tables.rows.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["api_tokens", "audit_log", "shares"]),
      );
      expect(found).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it("is in the token cache", async () => {
    const stores = await openPglite();
    const cached: unknown[] = [];
    await stores.migrate();
    const plane = await startControlPlane(stores, ({ tokenCache }) => ({
      tokenCache: {
        ...tokenCache,
        put(hash, token) {
          cached.push(hash, token);
          tokenCache.put(hash, token);
        },
      },
    }));
    try {
      const { token } = await plane.addCaller();
      await ok(plane.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token }));
      expect(cached.length).toBeGreaterThan(0);
      expect(secretsIn(JSON.stringify(cached), new Map([["API token", token]]))).toEqual([]);
    } finally {
      await plane.stop();
      await stores.close();
    }
  });
});
