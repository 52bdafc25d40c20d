// The commands that ask and tell, against a real server: what they print, where, and how they exit.
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

let server: CliHome;
let home: CliHome;
let up: Awaited<ReturnType<CliHome["up"]>>;
let adminToken: string;
let where: string[];

beforeAll(async () => {
  server = await CliHome.make();
  home = await CliHome.make();
  up = await server.up();
  adminToken = (await readFile(join(server.stateDir, "admin-token"), "utf8")).trim();
  where = ["--server", up.origin, "--grpc", up.grpcAddress];
});

afterAll(async () => {
  await server?.close();
  await home?.close();
});

const token = () => ({ env: { REXEC_TOKEN: adminToken } });

describe("rexec login", () => {
  it("checks the token, stores it for this user alone, and makes the context current", async () => {
    const login = await home.run(["login", ...where, "--context", "test"], { input: `${adminToken}\n` });
    expect(login).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/logged in .* as admin \(context test\)/) as string,
    });
    const file = join(home.configDir, "credentials.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(join(home.configDir, "config.yaml"), "utf8")).not.toContain(adminToken);
    const who = await home.run(["whoami", "--json"]);
    expect(JSON.parse(who.stdout)).toMatchObject({ username: "admin", scope: "admin", context: "test" });
    expect((await home.run(["logout"])).code).toBe(0);
    expect(await readFile(file, "utf8")).not.toContain(adminToken);
    expect((await home.run(["whoami"])).code).toBe(4);
  });

  it("stores nothing for a token that the server does not take", async () => {
    const other = await CliHome.make();
    const login = await other.run(["login", ...where], { input: `rexec_${"0".repeat(64)}\n` });
    expect(login).toMatchObject({ code: 4, stderr: expect.stringMatching(/^rexec: invalid token\n/) as string });
    await expect(stat(join(other.configDir, "config.yaml"))).rejects.toThrow("ENOENT");
    await other.close();
  });

  it("reads a token file, also from standard input", async () => {
    const other = await CliHome.make();
    await writeFile(join(other.dir, "token"), adminToken, { mode: 0o600 });
    expect((await other.run(["login", ...where, "--token-file", "token"])).code).toBe(0);
    expect((await other.run(["login", ...where, "--token-file", "-"], { input: adminToken })).code).toBe(0);
    await other.close();
  });

  it("asks in a terminal and shows nothing of the token", async () => {
    const other = await CliHome.make();
    const pty = other.pty(`$REXEC login ${where.join(" ")}; echo code=$?`);
    await pty.seen(/Token for http/);
    pty.type(`${adminToken}\r`);
    await pty.seen(/code=0/);
    expect(pty.output).not.toContain(adminToken.slice(6));
    await other.close();
  });
});

describe("rexec agents ls", () => {
  it("prints data on standard output alone, in each format", async () => {
    const table = await home.run(["agents", "ls", ...where], token());
    expect(table.stderr).toBe("");
    expect(table.stdout).toMatch(/^NAME +STATUS +PLATFORM +SEEN +ID\n.* online /);
    const json = JSON.parse((await home.run(["agents", "ls", "-o", "json", ...where], token())).stdout) as unknown;
    expect(json).toEqual([expect.objectContaining({ id: up.agentId, status: "online", os: "linux" })]);
    const name = await home.run(["agents", "-o", "name", "--filter", "status:online", ...where], token());
    expect(name.stdout.trimEnd().split("\n")).toHaveLength(1);
    const none = await home.run(["agents", "ls", "-o", "jsonl", "--filter", "status:offline", ...where], token());
    expect(none).toMatchObject({ code: 0, stdout: "" });
  });

  it("says which filter is wrong, as usage", async () => {
    const { code, stderr } = await home.run(["agents", "ls", "--filter", "colour:blue", ...where], token());
    expect([code, stderr.split("\n").length]).toEqual([2, 3]);
  });
});

describe("rexec token", () => {
  it("makes, lists and revokes", async () => {
    const made = await home.run(
      ["token", "create", "ci", "--scope", "read", "--expires", "1h", "--json", ...where],
      token(),
    );
    const { id, secret } = JSON.parse(made.stdout) as { id: string; secret: string };
    expect(secret).toMatch(/^rexec_[0-9a-f]{64}$/);
    const mine = { env: { REXEC_TOKEN: secret } };
    expect((await home.run(["agents", "ls", ...where], mine)).code).toBe(0);
    expect((await home.run(["agent", "enroll", "--name", "x", ...where], mine)).code).toBe(5);
    expect((await home.run(["token", "revoke", id, ...where], token())).code).toBe(0);
    expect((await home.run(["agents", "ls", ...where], mine)).code).toBe(4);
    const list = await home.run(["token", "ls", ...where], token());
    expect(list.stdout).toMatch(new RegExp(`${id} +ci +rexec_\\w+ +read +revoked`));
    expect(list.stdout).not.toContain(secret);
    expect((await home.run(["token", "revoke", "11111111-1111-4111-8111-111111111111", ...where], token())).code).toBe(
      3,
    );
  });
});

describe("rexec token rotate", () => {
  it("prints a token that takes another's place, which goes on for the overlap or ends at once", async () => {
    const make = async (...args: string[]) =>
      JSON.parse((await home.run([...args, "--json", ...where], token())).stdout) as {
        id: string;
        name: string;
        secret: string;
      };
    const works = async (secret: string) =>
      (await home.run(["agents", "ls", ...where], { env: { REXEC_TOKEN: secret } })).code;
    const first = await make("token", "create", "deploy", "--scope", "read");
    const second = await make("token", "rotate", first.id, "--overlap", "1h");
    expect(second.name).toBe("deploy");
    expect([await works(first.secret), await works(second.secret)]).toEqual([0, 0]);
    const third = await home.run(["token", "rotate", second.id, ...where], token());
    expect(third).toMatchObject({ code: 0, stderr: expect.stringContaining("only time") as string });
    expect([await works(second.secret), await works(third.stdout.trim())]).toEqual([4, 0]);
    expect((await home.run(["token", "rotate", second.id, ...where], token())).code).toBe(2);
  });
});

describe("rexec limits", () => {
  it("shows one's own, as a table and for programs", async () => {
    const { stdout } = await home.run(["limits", ...where], token());
    expect(stdout).toMatch(/^PLAN +AGENTS +IN USE\nenterprise +1 of any number +\d of any number\n$/);
    const json = JSON.parse((await home.run(["limits", "--json", ...where], token())).stdout) as unknown;
    expect(json).toMatchObject([{ plan: "enterprise", exempt: true, agents_used: 1 }]);
  });
});

describe("rexec users", () => {
  it("makes, lists, changes and deletes accounts", async () => {
    const run = (...args: string[]) => home.run(["users", ...args, ...where], token());
    const made = await run("create", "ana@example.com", "--plan", "guest", "--json");
    const [user] = JSON.parse(made.stdout) as [{ id: string }];
    expect(user).toMatchObject({ username: "ana", plan: "guest", admin: false, subscription_active: false });
    expect((await run("create", "ANA@example.com")).code).toBe(1);
    const changed = await run("update", "Ana@example.com", "--plan", "pro", "--subscription", "active");
    expect(changed.stdout).toMatch(/\nana@example.com +ana +pro \(subscription\) +no +/);
    expect((await run("update", user.id, "--admin", "yes", "-o", "name")).stdout).toBe(`${user.id}\n`);
    expect((await run("ls", "--filter", "admin:true example", "-o", "name")).stdout).toBe(`${user.id}\n`);
    const unchanged = await run("update", user.id);
    expect(unchanged).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing to change was named") as string,
    });
    expect((await run("update", user.id, "--plan", "unheard-of")).code).toBe(2);
    expect((await run("rm", "ana@example.com")).code).toBe(2);
    expect((await run("rm", "ana@example.com", "--yes")).code).toBe(0);
    expect((await run("rm", user.id, "--yes")).code).toBe(3);
    expect((await run("rm", "ana@example.com", "--yes")).code).toBe(3);
    expect((await run("rm", "admin@localhost", "--yes")).stderr).toContain(
      "the last admin can be neither deleted nor demoted",
    );
  });
});

describe("rexec agent", () => {
  it("enrolls this machine and runs it until a signal", async () => {
    const machine = await CliHome.make();
    const made = await machine.run(["agent", "enroll", "--name", "second box", "--tag", "web", ...where], token());
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) as string });
    expect((await stat(join(machine.configDir, "agent.json"))).mode & 0o777).toBe(0o600);
    const again = await machine.run(["agent", "enroll", ...where], token());
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("enrolled already, as second box") as string,
    });
    const agent = machine.start(["agent", "run"]);
    await agent.seen(/agent connected/);
    const run = await home.run(["attach", "second box", "--split", ...where], {
      input: "echo $((6*7)); exit 9\n",
      ...token(),
    });
    expect(run).toMatchObject({ code: 9, stdout: expect.stringMatching(/42\r\n/) as string });
    agent.kill("SIGTERM");
    expect(await agent.exited).toBe(0);
    expect(agent.stderr).not.toContain("rexec_");
    await machine.close();
  });

  it("says what to do where nobody has enrolled", async () => {
    expect(await home.run(["agent", "run"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("rexec agent enroll") as string,
    });
  });
});

describe("exit codes", () => {
  it.each([
    [["nonsense"], 2],
    [["attach"], 2],
    [["agents", "ls", "-o", "xml"], 2],
    [["agents", "ls", "--server", "http://far.example:7070"], 2],
    [["agents", "ls", "--server", "http://127.0.0.1:1"], 4],
    [["--help"], 0],
    [["version"], 0],
    [["--version"], 0],
  ])("%j is %i", async (args, code) => {
    const result = await home.run(args);
    expect(result.code).toBe(code);
    if (code !== 0) expect(result.stdout).toBe("");
  });

  it("is 7 for a server that is not there, in JSON where it was asked for", async () => {
    const args = ["agents", "ls", "--json", "--server", "http://127.0.0.1:1", "--grpc", "127.0.0.1:1"];
    const { code, stdout, stderr } = await home.run(args, token());
    expect([code, stdout]).toEqual([7, ""]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { reason: "UNREACHABLE", exit_code: 7 } });
  });

  it("is 8 for a server that does not answer in time", async () => {
    const { createServer } = await import("node:net");
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as { port: number };
    const args = [
      "agents",
      "ls",
      "--timeout",
      "500ms",
      "--server",
      "http://127.0.0.1:1",
      "--grpc",
      `127.0.0.1:${port}`,
    ];
    const { code } = await home.run(args, token());
    silent.close();
    expect([7, 8]).toContain(code);
  });
});
