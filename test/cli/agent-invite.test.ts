// `rexec agent invite`, and the machine that enrolls with what it prints: one that nobody has logged in on.
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

const CODE = /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\n$/;

let home: CliHome;
let where: string[];
const machines: CliHome[] = [];

beforeAll(async () => {
  home = await CliHome.make();
  const up = await home.up();
  where = ["--server", up.origin, "--grpc", up.grpcAddress];
});
afterAll(async () => {
  for (const machine of machines) await machine.close();
  await home?.close();
});

/** A home of its own: nothing there knows of the server. */
async function newMachine(): Promise<CliHome> {
  const machine = await CliHome.make();
  machines.push(machine);
  return machine;
}

async function invite(...flags: string[]): Promise<{ id: string; code: string; command: string }> {
  const { code, stdout, stderr } = await home.run(["agent", "invite", "--json", ...flags]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as { id: string; code: string; command: string };
}

const agentFile = (machine: CliHome) => join(machine.configDir, "agent.json");

describe("a machine with a code", () => {
  it("enrolls with the very line that was printed, runs its agent, and commands work on it", async () => {
    const invited = await home.run(["agent", "invite", "--name", "second", "--tag", "web", "eu"]);
    expect(invited).toMatchObject({ code: 0, stdout: expect.stringMatching(CODE) as string });
    expect(invited.stderr).toMatch(/^good for one machine and 10m, until 20.*Z; run there:\n {2}ssh -fN -L /);
    const line = /^ {2}rexec (agent enroll .*)$/m.exec(invited.stderr)?.[1] ?? "";
    const said = where.filter((_, at) => at < 2 || where[3] !== "127.0.0.1:7071").join(" ");
    expect(line).toBe(`agent enroll --code ${invited.stdout.trim()} ${said}`);

    const machine = await newMachine();
    const enrolled = await machine.run(line.split(" "));

    expect(enrolled).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) as string });
    expect(enrolled.stderr).toMatch(/^enrolled as second at http.*\nstart it with `rexec agent run`.*install`\n$/);
    expect((await stat(agentFile(machine))).mode & 0o777).toBe(0o600);
    expect(existsSync(join(machine.configDir, "credentials.json"))).toBe(false);
    const agent = machine.start(["agent", "run"]);
    await agent.seen(/agent connected/);
    expect(await home.run(["exec", "second", "--", "printf", "%s", "from afar"])).toEqual({
      code: 0,
      stdout: "from afar",
      stderr: "",
    });
    const listed = await home.run(["agents", "ls", "-o", "name", "--filter", "tag:web tag:eu"]);
    expect(listed.stdout).toBe("second\n");
    agent.kill("SIGTERM");
    expect(await agent.exited).toBe(0);
  });

  it("is refused where another has used it, and stores nothing", async () => {
    const { code } = await invite("--name", "first to come");
    expect((await (await newMachine()).run(["agent", "enroll", "--code", code, ...where])).code).toBe(0);
    const late = await newMachine();
    const refused = await late.run(["agent", "enroll", "--code", code, ...where]);
    expect(refused).toEqual({
      code: 4,
      stdout: "",
      stderr:
        "rexec: this code is not good: mistyped, used, expired or revoked\n" +
        "  try: make one with `rexec agent invite`, where somebody is logged in\n",
    });
    expect(existsSync(agentFile(late))).toBe(false);
  });

  it("may read it from standard input or the environment, and keeps it from what it starts", async () => {
    const [piped, given] = [await invite(), await invite()];
    const one = await newMachine();
    const enroll = ["agent", "enroll", "--name"];
    const read = await one.run([...enroll, "piped", "--code", "-", ...where], {
      input: `${piped.code.toLowerCase()}\n`,
    });
    expect(read.code).toBe(0);
    const two = await newMachine();
    const agent = two.start([...enroll, "given", "--run", ...where], { REXEC_ENROLL_CODE: given.code });
    await agent.seen(/agent connected/);
    const printed = await home.run(["exec", "given", "--", "printenv", "HOME", "REXEC_ENROLL_CODE"]);
    expect(printed).toEqual({ code: 1, stdout: `${two.dir}\n`, stderr: "" });
    agent.kill("SIGTERM");
    expect(await agent.exited).toBe(0);
    expect(agent.stderr).not.toContain("start it with");
  });

  it("chooses another name where its host's is taken, and the code is as good as before", async () => {
    const { code } = await invite();
    const machine = await newMachine();
    // The host is an agent already: that of `rexec up`.
    const enroll = ["agent", "enroll", "--code", code, ...where];
    expect(await machine.run(enroll)).toMatchObject({
      code: 1,
      stderr: "rexec: an agent with this name exists already\n  try: choose another with --name\n",
    });
    const named = await machine.run([...enroll, "--name", "another", "--json"]);
    expect(JSON.parse(named.stdout)).toMatchObject({ name: "another", file: agentFile(machine) });
  });

  it("asks no server about what can't be a code, and leaves tags to who invites", async () => {
    const machine = await newMachine();
    const nowhere = ["--server", "http://127.0.0.1:1"];
    const wrong = await machine.run(["agent", "enroll", "--code", "7K2M", ...nowhere]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("is no enrolment code") as string });
    const tagged = await machine.run(["agent", "enroll", "--code", "7K2M-9QX4", "--tag", "web", ...nowhere]);
    expect(tagged).toMatchObject({ code: 2, stderr: expect.stringContaining("invite --tag") as string });
    expect((await machine.run(["agent", "enroll", "--code", "-", ...nowhere])).code).toBe(2);
  });
});

describe("rexec agent invite", () => {
  it("is for those who are logged in", async () => {
    expect((await (await newMachine()).run(["agent", "invite", ...where])).code).toBe(4);
  });

  it("says nothing but the code with -q, and refuses times that the server does not take", async () => {
    expect(await home.run(["agent", "invite", "-q", "--expires", "1m"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(CODE) as string,
      stderr: "",
    });
    expect((await home.run(["agent", "invite", "--expires", "25h"])).code).toBe(2);
  });

  it("says --insecure where it was said here, and forwards no ports of another machine", async () => {
    // Not reached by this name: it is what would be printed there that counts.
    const flags = ["--server", "http://far.example:7070", "--insecure", ...where.slice(2)];
    const token = await home.run(["token", "create", "inviter", "-q"]);
    const { stderr } = await home.run(["agent", "invite", ...flags], { env: { REXEC_TOKEN: token.stdout.trim() } });
    expect(stderr).toMatch(
      /run there:\n {2}rexec agent enroll --code \S+ --server http:\/\/far.example:7070 --grpc \S+ --insecure\n$/,
    );
  });
});

describe("rexec agent invites", () => {
  it("lists codes that have not ended, without the codes, and ends them", async () => {
    const { id, code } = await invite("--name", "never", "--tag", "eu");
    const list = async (...flags: string[]) => (await home.run(["agent", "invites", ...flags])).stdout;
    const table = await list("ls");
    expect(table).toMatch(/^ID +NAME +STATE +EXPIRES +TAGS\n/);
    expect(table).toMatch(new RegExp(`\n${id} +never +good +20\\S+Z +eu\n`));
    expect(table).toMatch(/ first to come +used /);
    expect(table).not.toContain(code);
    expect(JSON.parse(await list("--json"))).toContainEqual(
      expect.objectContaining({ id, name: "never", tags: ["eu"] }),
    );
    expect((await list("ls", "--filter", "used:false", "-o", "name")).split("\n")).toContain(id);

    expect(await home.run(["agent", "invites", "revoke", id])).toEqual({
      code: 0,
      stdout: "",
      stderr: `revoked ${id}\n`,
    });
    expect(await list("-o", "name")).not.toContain(id);
    expect((await home.run(["agent", "invites", "revoke", id])).code).toBe(3);
    expect((await (await newMachine()).run(["agent", "enroll", "--code", code, "--name", "x", ...where])).code).toBe(4);
  });
});
