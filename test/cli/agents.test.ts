// What is done with agents by name or id, against a real server: shown, changed, deleted.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

let home: CliHome;
let server: TestServer;
let where: string[];

beforeAll(async () => {
  [home, server] = await Promise.all([CliHome.make(), startTestServer()]);
  where = ["--server", server.httpUrl, "--grpc", server.grpcAddress];
});

afterAll(async () => {
  await server?.close();
  await home?.close();
});

const run = (...args: string[]) => home.run([...args, ...where], { env: { REXEC_TOKEN: server.adminToken } });
const names = async () => (await run("agents", "ls", "-o", "name")).stdout.split("\n").filter((name) => name !== "");

/** The same in a terminal; the exit code is printed. */
function inTerminal(...args: string[]) {
  return home.pty(`REXEC_TOKEN=${server.adminToken} $REXEC ${[...args, ...where].join(" ")}; echo code=$?`);
}

describe("rexec agents get", () => {
  it("shows one by its name as by its id, for people and for programs", async () => {
    const { agentId } = await server.registerAgent("my box");
    const shown = await run("agents", "get", "my box");
    expect(shown.stderr).toBe("");
    expect(shown.stdout).toMatch(/^NAME +my box\nSTATUS +registered\n/);
    expect(shown.stdout).toMatch(new RegExp(`\nID +${agentId}\n`));
    const json = await run("agents", "get", agentId, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ id: agentId, name: "my box", status: "registered" });
  });

  it("says what to do where there is none", async () => {
    const hint = "\n  try: `rexec agents ls` lists your agents\n";
    expect(await run("agents", "get", "nobody")).toMatchObject({
      code: 3,
      stderr: `rexec: no agent named nobody${hint}`,
    });
    const never = await run("agents", "get", "11111111-1111-4111-8111-111111111111");
    expect(never).toMatchObject({ code: 3, stderr: `rexec: agent not found${hint}` });
  });
});

describe("rexec agents update", () => {
  it("changes what is named, and nothing else", async () => {
    await server.registerAgent("old");
    const update = async (...args: string[]) =>
      JSON.parse((await run("agents", "update", ...args, "--json")).stdout) as object;
    expect(await update("old", "--description", "in the cellar", "--tag", "a", "b")).toMatchObject({
      name: "old",
      description: "in the cellar",
      tags: ["a", "b"],
    });
    expect(await update("old", "--name", "new", "--no-tag", "--shell", "/bin/sh")).toMatchObject({
      name: "new",
      description: "in the cellar",
      tags: [],
      shell: "/bin/sh",
    });
  });

  it("says so where nothing is named, and what the server does not take", async () => {
    await server.registerAgent("still");
    expect(await run("agents", "update", "still")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing to change was named") as string,
    });
    expect((await run("agents", "update", "still", "--name", "my box")).code).toBe(1);
    expect((await run("agents", "update", "still", "--name", "")).code).toBe(2);
  });
});

describe("rexec agents rm", () => {
  it("deletes nothing unasked where nobody can be asked", async () => {
    await server.registerAgent("kept");
    const { code, stderr } = await run("agents", "rm", "kept");
    expect([code, stderr]).toEqual([
      2,
      "rexec: this has to be confirmed, and standard input is no terminal\n  try: --yes confirms it\n",
    ]);
    expect(await names()).toContain("kept");
  });

  it("deletes several, and lists what could not be", async () => {
    await Promise.all(["one", "two"].map((name) => server.registerAgent(name)));
    const { code, stdout, stderr } = await run("agents", "rm", "one", "ghost", "two", "--yes");
    expect([code, stdout]).toEqual([9, ""]);
    expect(stderr).toBe(
      "deleted one\ndeleted two\nrexec: 1 of 3 could not be deleted\n  ghost: no agent named ghost\n",
    );
    expect(await names()).not.toContain("one");
    const none = await run("agents", "rm", "one", "two", "--yes", "--json");
    expect(none.code).toBe(3);
    expect(JSON.parse(none.stderr)).toMatchObject({ error: { failures: [{ name: "one" }, { name: "two" }] } });
  });

  it("asks in a terminal, and takes silence for no", async () => {
    await server.registerAgent("asked");
    const refused = inTerminal("agents", "rm", "asked");
    await refused.seen(/Delete asked\? .*\[y\/N\] /);
    refused.type("\r");
    await refused.seen(/not confirmed: nothing was done[\s\S]*code=1/);
    const left = inTerminal("agents", "rm", "asked");
    await left.seen(/\[y\/N\] /);
    left.type("\x03");
    await left.seen(/code=130/);
    expect(await names()).toContain("asked");
    const agreed = inTerminal("agents", "rm", "asked");
    await agreed.seen(/\[y\/N\] /);
    agreed.type("y\r");
    await agreed.seen(/deleted asked[\s\S]*code=0/);
    expect(await names()).not.toContain("asked");
  });
});
