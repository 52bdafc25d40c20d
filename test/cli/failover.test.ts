// The command line with two servers, of which one is dead, dies, drains, is stopped or is no longer reached.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliHome, type CliProcess } from "../support/cli.ts";
import { type ServerPair, startServerPair } from "../support/server-pair.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { registerOver } from "../support/test-server.ts";

let home: CliHome;
let pair: ServerPair;
let cleanUps: (() => Promise<unknown>)[];

beforeEach(async () => {
  cleanUps = [];
  home = await CliHome.make();
  cleanUps.push(() => home.close());
  pair = await startServerPair(home.dir);
  cleanUps.push(() => pair.close());
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const both = () => ["--server", pair.servers, "--grpc", pair.grpcAddresses];

async function logIn(): Promise<void> {
  const { code, stderr } = await home.run(["login", ...both(), "--context", "pair", "--token-file", "admin-token"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

/** `rexec agent run`, once it is connected. */
async function runAgent(env: NodeJS.ProcessEnv = {}): Promise<CliProcess> {
  const agent = home.start(["agent", "run"], env);
  await agent.seen(/agent connected/);
  return agent;
}

describe("a call goes to the other server", () => {
  it.each([
    ["is dead", () => pair.a.process.kill("SIGKILL")],
    ["drains", () => pair.drainA()],
    ["takes connections and never answers", async () => pair.stopA()],
  ])("where the first one %s", async (_what, trouble) => {
    await logIn();
    await trouble();
    // Within the time-out of a call: one that only waits for a stopped server fails after 10 s.
    const made = await home.run(["token", "create", "laptop", "-o", "json"]);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    // Once and not twice.
    const tokens = JSON.parse((await home.run(["token", "ls", "-o", "json"])).stdout) as { name: string }[];
    expect(tokens.filter(({ name }) => name === "laptop")).toHaveLength(1);
  });

  it("and all are named where none is there", async () => {
    await logIn();
    await Promise.all([pair.a.process.kill("SIGKILL"), pair.b.process.kill("SIGKILL")]);
    const { code, stderr } = await home.run(["whoami"]);
    expect(code).toBe(7);
    expect(stderr).toContain(`${pair.a.grpcAddress}, ${pair.b.grpcAddress} can't be reached`);
  });
});

describe("both servers", () => {
  it("are remembered by login and enrollment, looked at by doctor, and dialled by the agent", async () => {
    await logIn();
    expect(await readFile(join(home.configDir, "config.yaml"), "utf8")).toContain(`host: ${pair.servers}\n`);
    await home.run(["agent", "enroll", "--name", "box"]);
    const stored = await readFile(join(home.configDir, "agent.json"), "utf8");
    expect(JSON.parse(stored)).toMatchObject({ server: pair.servers });
    await pair.a.process.kill("SIGKILL");

    const { stdout } = await home.run(["doctor", "--json", "--timeout", "2s"]);
    const found = new Map(
      (JSON.parse(stdout) as { check: string; state: string }[]).map((one) => [one.check, one.state]),
    );
    expect(found.get(`server ${pair.a.httpUrl}`)).toBe("failed");
    expect(found.get(`server ${pair.b.httpUrl}`)).toBe("ok");
    expect(found.get(`gRPC ${pair.a.grpcAddress}`)).toBe("failed");
    expect(found.get("token")).toBe("ok");

    const agent = await runAgent();
    expect(agent.stderr).toContain(`"server":"${pair.b.wsUrl}"`);
  });

  it("may be given to the agent in its environment", async () => {
    const { agentId, token } = await registerOver(pair.b.grpcAddress, pair.b.adminToken, "container");
    await pair.a.process.kill("SIGKILL");
    const agent = await runAgent({ REXEC_HOST: pair.servers, REXEC_AGENT_ID: agentId, REXEC_TOKEN: token });
    expect(agent.stderr).toContain(`"server":"${pair.b.wsUrl}"`);
  });
});

describe("rexec attach", () => {
  it("goes on at the other server when the one that it and the agent had is killed", async () => {
    await logIn();
    await home.run(["agent", "enroll", "--name", "box"]);
    await runAgent();
    const pty = home.pty("$REXEC attach box");
    await pty.seen(/ready> /);
    pty.type("n=41\r");
    await pty.seen(/ready> /);
    const sinceMs = performance.now();
    await pair.a.process.kill("SIGKILL");
    pty.type("echo $((n+1))\r");
    await pty.seen(/\n42\r/);
    expect(performance.now() - sinceMs).toBeLessThan(10_000);
    pty.type("exit\r");
    expect(await pty.exited).toBe(0);
  });

  it("is with the other server within seconds of a key that the network to the first one has swallowed", async () => {
    await logIn();
    await home.run(["agent", "enroll", "--name", "box"]);
    await pair.drainA();
    await runAgent();
    const proxy = await startTcpProxy({ host: "127.0.0.1", port: Number(new URL(pair.b.httpUrl).port) });
    cleanUps.push(() => proxy.close());
    const servers = `${proxy.through(pair.b.httpUrl)},${pair.b.httpUrl}`;
    const pty = home.pty(`$REXEC attach box --server ${servers} --grpc ${pair.b.grpcAddress} --token-file admin-token`);
    await pty.seen(/ready> /);
    proxy.fallSilent();
    const sinceMs = performance.now();
    pty.type("echo $((6*7))\r");
    await pty.seen(/\n42\r/);
    // 5 s to notice, a quarter at most to wait; the rest is what a busy machine takes to connect.
    expect(performance.now() - sinceMs).toBeLessThan(8_000);
    pty.type("\x1d");
    expect(await pty.exited).toBe(0);
  });
});
