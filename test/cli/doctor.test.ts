// `rexec doctor`: on a machine where all is well, and on machines where one thing is not.
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkNode } from "../../src/cli/doctor-machine.ts";
import { CliHome } from "../support/cli.ts";
import { anUnknownToken } from "../support/identities.ts";

interface Finding {
  check: string;
  state: "ok" | "failed" | "skipped";
  found: string;
  hint?: string;
}

let served: CliHome;
let up: Awaited<ReturnType<CliHome["up"]>>;
let adminToken: string;
let home: CliHome;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  served = await CliHome.make();
  up = await served.up();
  adminToken = (await readFile(join(served.stateDir, "admin-token"), "utf8")).trim();
}, 120_000);
afterAll(() => served.close());
beforeEach(async () => {
  home = await CliHome.make();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await home.close();
});

const where = () => ["--server", up.origin, "--grpc", up.grpcAddress];

/** The exit code, and what was found by the name of the check. */
async function examine(args: readonly string[], env: NodeJS.ProcessEnv = {}, in_: CliHome = home) {
  const { code, stdout, stderr } = await in_.run(["doctor", "--json", "--timeout", "2s", ...args], { env });
  const findings = JSON.parse(stdout) as Finding[];
  const problems = findings.filter(({ state }) => state === "failed").map(({ check }) => check);
  return { code, stderr, problems, of: (name: string) => findings.find(({ check }) => check === name), findings };
}

describe("where all is well", () => {
  it("says so of everything it looks at, and exits with 0", async () => {
    const { code, stderr, findings } = await examine([], {}, served);
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      "node",
      "private node",
      "configuration",
      "credentials",
      "agent's identity",
      "state directory",
      "disk space",
      "open files",
      "terminal",
      "context",
      "server",
      "server ready",
      "clock",
      "gRPC",
      "token",
      "WebSocket",
    ]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
  });

  it("prints a table for people, without the token", async () => {
    const { code, stdout } = await served.run(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^CHECK +STATE +FOUND\nnode +ok +v/);
    expect(stdout).toMatch(/^token +ok +of admin, scope admin$/m);
    expect(stdout).not.toContain(adminToken.slice(0, 13));
  });
});

describe("what is wrong is found, with what helps, and the exit code is 1:", () => {
  it("no server", async () => {
    const { code, problems, of, stderr } = await examine(["--server", "http://127.0.0.1:1", "--grpc", "127.0.0.1:1"], {
      REXEC_TOKEN: adminToken,
    });
    expect(code).toBe(1);
    expect(problems).toEqual(["server", "gRPC", "WebSocket"]);
    expect(of("server")).toMatchObject({ hint: expect.stringContaining("rexec up") as string });
    expect([of("clock")?.state, of("token")?.state]).toEqual(["skipped", "skipped"]);
    expect(stderr).toContain("gRPC: say where it is with --grpc");
  });

  it("no token, or one that the server does not take", async () => {
    expect(await examine(where())).toMatchObject({ code: 1, problems: ["token"] });
    const refused = await examine(where(), { REXEC_TOKEN: anUnknownToken() });
    expect(refused).toMatchObject({ code: 1, problems: ["token"] });
    expect(refused.of("token")).toMatchObject({
      found: "invalid token",
      hint: expect.stringContaining("rexec login") as string,
    });
  });

  it("credentials that others can read, before anything mends them", async () => {
    await mkdir(home.configDir, { recursive: true });
    const file = join(home.configDir, "credentials.json");
    await writeFile(file, '{"tokens":{}}');
    await chmod(file, 0o644);
    const { code, of } = await examine(where(), { REXEC_TOKEN: adminToken });
    expect(code).toBe(1);
    expect(of("credentials")).toMatchObject({
      state: "failed",
      found: `${file}, mode 0644: others can read or change it`,
      hint: `chmod 600 ${file}, and make a new token`,
    });
  });

  it("a configuration that others can change", async () => {
    await mkdir(home.configDir, { recursive: true });
    const file = join(home.configDir, "config.yaml");
    await writeFile(file, "contexts: {}\n");
    await chmod(file, 0o644);
    expect((await examine(where(), { REXEC_TOKEN: adminToken })).problems).toEqual([]);
    await chmod(file, 0o666);
    expect((await examine(where(), { REXEC_TOKEN: adminToken })).problems).toEqual(["configuration"]);
  });

  it("a context that there is not", async () => {
    const { code, problems, of } = await examine(["--context", "nowhere"]);
    expect(code).toBe(1);
    expect(problems).toEqual(["context"]);
    expect(of("WebSocket")?.state).toBe("skipped");
  });

  it("a state directory that can't be made", async () => {
    const { problems, of } = await examine(where(), { REXEC_TOKEN: adminToken, XDG_STATE_HOME: "/dev/null" });
    expect(problems).toEqual(["state directory"]);
    expect(of("state directory")?.hint).toContain("XDG_STATE_HOME");
  });

  it("too few open files", async () => {
    const limited = home.pty(`ulimit -n 200; REXEC_TOKEN=${adminToken} $REXEC ${where().join(" ")} doctor`);
    await limited.seen(/open files +FAILED +at most 200/);
    await limited.seen(/ulimit -n 1024/);
    expect(await limited.exited).toBe(1);
  });

  it("a Node that is too old", () => {
    expect(checkNode("22.12.0")).toMatchObject({ state: "failed", hint: "install Node 22.13 or newer" });
    expect(checkNode("22.13.0").state).toBe("ok");
    expect(checkNode("23.0.0").state).toBe("ok");
  });

  async function fakeServer(answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUps.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("a clock that is off, an instance that drains, and a proxy that passes no WebSockets", async () => {
    const origin = await fakeServer((request, response) => {
      response.setHeader("date", new Date(Date.now() - 600_000).toUTCString());
      if (request.url === "/healthz") response.end();
      else if (request.url === "/readyz") response.writeHead(503).end('{"problems":["draining"]}');
      else response.writeHead(404).end('{"error":"not found"}');
    });
    const { code, problems, of } = await examine(["--server", origin, "--grpc", up.grpcAddress], {
      REXEC_TOKEN: adminToken,
    });
    expect(code).toBe(1);
    expect(problems).toEqual(["server ready", "clock", "WebSocket"]);
    expect(of("clock")).toMatchObject({
      found: expect.stringMatching(/^(599|60\d) s ahead of the server's$/) as string,
      hint: expect.stringContaining("NTP") as string,
    });
    expect(of("server ready")?.found).toBe("draining");
    expect(of("WebSocket")?.found).toBe("the handshake is answered with 404");
  });

  it("something else that answers at the address", async () => {
    const origin = await fakeServer((_request, response) => response.writeHead(403).end("a portal"));
    const { problems, of } = await examine(["--server", origin, "--grpc", up.grpcAddress], { REXEC_TOKEN: adminToken });
    expect(problems).toEqual(["server", "WebSocket"]);
    expect(of("server")?.found).toContain("/healthz is 403");
  });
});
