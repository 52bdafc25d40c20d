// What the documents speak of, made real for one command line: an account, its agents, its files and its servers.

import { randomUUID } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { vi } from "vitest";
import { writeAgentFile } from "../../src/cli/agent-file.ts";
import { writeContexts } from "../../src/cli/contexts.ts";
import { storeCredential } from "../../src/cli/credentials.ts";
import { RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { CreateUserRequest, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import { MAIN_SESSION, type AgentId } from "../../src/protocol/ids.ts";
import { createJoseCodec } from "../../src/server/adapters/jwt/jose-codec.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { CliHome } from "./cli.ts";
import { freshDatabase } from "./fresh-database.ts";
import { grpcCaller, ok } from "./grpc-call.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import { openShellViewer } from "./shell-viewer.ts";
import { startTestAgent } from "./test-agent.ts";
import { call, startTestServer, TEST_JWT_SECRET, type TestServer } from "./test-server.ts";

const REXEC = resolve(import.meta.dirname, "../../bin/rexec.js");
const CAST = '{"version":2,"width":80,"height":24}\n[0.1,"o","recorded "]\n[0.3,"o","output\\r\\n"]\n';

/** What all worlds share: a server, and the programs that stand in for those of the machine, which nothing here may change. */
export class DocumentedMachine {
  readonly server: TestServer;
  /** For servers that are several. */
  readonly databaseUrl: string;
  readonly redis: TestRedis;
  readonly directory: string;
  readonly bin: string;

  private constructor(directory: string, parts: Pick<DocumentedMachine, "server" | "databaseUrl" | "redis">) {
    this.directory = directory;
    this.bin = join(directory, "bin");
    this.server = parts.server;
    this.databaseUrl = parts.databaseUrl;
    this.redis = parts.redis;
  }

  static async start(): Promise<DocumentedMachine> {
    const directory = await mkdtemp(join(tmpdir(), "rexec-documented-"));
    const place = { kind: "directory" as const, path: join(directory, "recordings") };
    const recording = { place, policy: "asked" as const, keepMs: undefined, maxBytes: 64 * 1024 * 1024 };
    const [server, databaseUrl, redis] = await Promise.all([
      startTestServer({ recording }),
      freshDatabase(),
      startRedis(),
    ]);
    const machine = new DocumentedMachine(directory, { server, databaseUrl, redis });
    mkdirSync(machine.bin);
    const programs = {
      rexec: `exec '${process.execPath}' '${REXEC}' "$@"`,
      sudo: 'exec "$@"',
      less: "exec cat",
      systemctl: 'case "$*" in *is-enabled*) echo enabled ;; *is-active*) echo active ;; esac',
    };
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(machine.bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return machine;
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.redis.stop();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One account and one home, so that command lines that run at once find nothing of each other. */
export class DocumentedWorld {
  readonly home: CliHome;
  readonly server: TestServer;
  /** Of the account that is logged in here. */
  readonly token: string;
  readonly bin: string;
  /** By name. */
  readonly agentIds = new Map<string, AgentId>();
  readonly #ends: (() => Promise<unknown>)[] = [];

  private constructor(home: CliHome, { server, token, bin }: Pick<DocumentedWorld, "server" | "token" | "bin">) {
    this.home = home;
    this.server = server;
    this.token = token;
    this.bin = bin;
  }

  /** `isEnrolled`: this machine is an agent, too. */
  static async make(
    machine: DocumentedMachine,
    { as, isEnrolled }: { as: "user" | "admin" | "admin of its own server"; isEnrolled: boolean },
  ): Promise<DocumentedWorld> {
    const own = as === "admin of its own server" ? await startTestServer({ instanceId: "server-1" }) : undefined;
    const server = own ?? machine.server;
    const token = as === "user" ? await addAccount(server) : server.adminToken;
    const world = new DocumentedWorld(await CliHome.make(), { server, token, bin: machine.bin });
    if (own) world.#ends.push(() => own.close());
    world.#ends.push(() => world.home.close());
    world.#writeFiles();
    world.#logIn();
    if (isEnrolled) await world.#enroll();
    return world;
  }

  /** Runs until the world ends. */
  async connectAgent(name: string, tags: readonly string[] = []): Promise<void> {
    const { agentId, token } = await this.#register(name, tags);
    const cwd = join(this.home.dir, name);
    mkdirSync(cwd);
    const env = {
      PATH: `${this.bin}:/usr/bin:/bin`,
      TERM: "xterm-256color",
      HOME: cwd,
      ENV: join(this.home.dir, ".profile"),
    };
    const shell = { file: "/bin/sh", args: [], cwd, env };
    const agent = await startTestAgent({ wsUrl: this.server.wsUrl, agentId, token, shell });
    this.#ends.unshift(() => agent.stop("the command line has ended"));
  }

  /** Somebody looks at a session of the agent until the world ends: at "main", or at a split, whose id this returns. */
  async openSession(name: string, kind: "main" | "split"): Promise<string> {
    const viewer = openShellViewer({
      agentId: this.agentId(name),
      wsUrl: this.server.wsUrl,
      token: this.token,
      target: kind === "split" ? { kind: "new" } : { kind: "session", sessionId: MAIN_SESSION },
    });
    this.#ends.unshift(async () => viewer.terminal.close());
    return (await viewer.opened()).sessionId;
  }

  /** The server's, by two names: documents have two servers. */
  get addresses(): { http: [string, string]; grpc: [string, string] } {
    const { httpUrl, grpcAddress } = this.server;
    const other = (address: string) => address.replace("127.0.0.1", "localhost");
    return { http: [httpUrl, other(httpUrl)], grpc: [grpcAddress, other(grpcAddress)] };
  }

  agentId(name: string): AgentId {
    const id = this.agentIds.get(name);
    if (id === undefined) throw new Error(`no agent ${name} here`);
    return id;
  }

  /** What it prints on standard output. Throws where it fails. */
  async rexec(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.home.run(args);
    if (code !== 0) throw new Error(`rexec ${args.join(" ")} has ended with ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** The same with --json, which is read. */
  async rexecJson<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.rexec(...args, "--json")) as T;
  }

  /** One after another until they have been heard of: nothing tells when somebody begins to listen. */
  async makeEvents(isHeard: () => boolean): Promise<void> {
    const request = CreateTokenRequest.fromPartial({ name: "news", scopes: [TokenScope.TOKEN_SCOPE_READ] });
    const makeOne = async (): Promise<void> => {
      await call(this.server.tokens, "createToken", request, this.token);
      if (!isHeard()) throw new Error("nobody has heard of any event");
    };
    await vi.waitFor(makeOne, { timeout: 30_000, interval: 250 });
  }

  writeFile(name: string, text: string): void {
    writeFileSync(join(this.home.dir, name), text, { mode: 0o600 });
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  async #register(name: string, tags: readonly string[] = []): Promise<{ agentId: AgentId; token: string }> {
    const request = RegisterAgentRequest.fromPartial({ name, tags: [...tags], requestId: randomUUID() });
    const made = await call(this.server.agents, "registerAgent", request, this.token);
    const { agent, token } = made as { agent: { id: AgentId }; token: string };
    this.agentIds.set(name, agent.id);
    return { agentId: agent.id, token };
  }

  #writeFiles(): void {
    const { dir } = this.home;
    const directories = ["site", "functions", "etc", "var/lib", "var/log", "var/tmp"];
    const completions = [".local/share/bash-completion/completions", ".config/fish/completions"];
    for (const name of [...directories, ...completions]) mkdirSync(join(dir, name), { recursive: true });
    this.writeFile("site/index.html", "<p>hello\n");
    this.writeFile("var/log/syslog", "a line\n");
    execFileSync("tar", ["czf", "files.tar.gz", "site"], { cwd: dir });
    for (const name of ["backup.tar.gz", "all.tar.gz"]) execFileSync("cp", ["files.tar.gz", name], { cwd: dir });
    this.writeFile("box.cast", CAST);
    this.writeFile("jwt-secret", "5".repeat(64));
    this.writeFile("mfa-keys", `2026:${"a".repeat(64)}\n`);
    this.writeFile("etc/rexec.yaml", `data_dir: ${join(dir, "data")}\n`);
  }

  /** The contexts "prod", which is the current one, and "old". */
  #logIn(): void {
    const context = { host: this.addresses.http.join(","), grpc: this.addresses.grpc.join(","), insecure: false };
    const contexts = new Map(["prod", "old"].map((name) => [name, context]));
    writeContexts(join(this.home.configDir, "config.yaml"), { current: "prod", contexts });
    for (const name of contexts.keys())
      storeCredential(join(this.home.configDir, "credentials.json"), name, this.token);
  }

  async #enroll(): Promise<void> {
    const name = "this-machine";
    const agent = await this.#register(name);
    writeAgentFile(join(this.home.configDir, "agent.json"), { servers: [this.server.httpUrl], name, ...agent });
    this.writeFile("agent-token", agent.token);
  }
}

/** Returns its API token, of scope write. */
async function addAccount(server: TestServer): Promise<string> {
  const grpc = grpcCaller(server.running.grpcPort);
  try {
    const fields = {
      email: `${randomUUID()}@example.com`,
      username: "ana",
      plan: "enterprise",
      subscriptionActive: true,
    };
    const create = CreateUserRequest.fromPartial({ user: fields, requestId: randomUUID() });
    const { user } = await ok(grpc.call(UserServiceService.createUser, create, { token: server.adminToken }));
    const iat = Math.floor(Date.now() / 1000);
    const codec = createJoseCodec({ clock: systemClock, secret: TEST_JWT_SECRET });
    const jwt = await codec.sign({ user_id: user?.id ?? "", iat, exp: iat + 60 });
    const request = CreateTokenRequest.fromPartial({ name: "laptop", scopes: [TokenScope.TOKEN_SCOPE_WRITE] });
    return (await ok(grpc.call(TokenServiceService.createToken, request, { token: jwt }))).secret;
  } finally {
    grpc.close();
  }
}
