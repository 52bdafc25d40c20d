// Shells, and the processes that serve them, on the command line: listed, watched, ended, taken out of service.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";

let home: CliHome;
let up: Awaited<ReturnType<CliHome["up"]>>;
let token: string;
let name: string;

beforeAll(async () => {
  home = await CliHome.make();
  up = await home.up();
  token = (await readFile(join(home.stateDir, "admin-token"), "utf8")).trim();
  name = (await run("agents", "-o", "name")).stdout.trim();
});

afterAll(async () => {
  await home?.close();
});

const run = (...args: string[]) => home.run(args, { env: { REXEC_TOKEN: token } });

describe("rexec sessions", () => {
  it("says how to get one where there is none", async () => {
    expect(await run("sessions", "ls", "-o", "jsonl")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "no sessions; `rexec attach AGENT` opens one\n",
    });
  });

  it("lists them with their agents' names, and tells who watches when they come and go", async () => {
    const watch = home.start(["sessions", "ls", "--watch"], { REXEC_TOKEN: token });
    const shell = home.pty(`$REXEC attach ${up.agentId} --split; echo code=$?`);
    await shell.seen(/ready> /);
    await watch.printed(/"change":"upserted"/);
    const [session] = JSON.parse((await run("sessions", "--json")).stdout) as [{ id: string }];
    expect(session).toMatchObject({ agent_id: up.agentId, agent_name: name, kind: "split", viewers: [{}] });
    const table = await run("sessions", "ls", "--filter", `agent:${up.agentId}`, "--order", "started_at desc");
    expect(table.stdout).toMatch(new RegExp(`^AGENT +SESSION +VIEWERS +AGE +IDLE\n${name} +${session.id} +1 +\\d+s `));

    expect(await run("sessions", "kill", name, session.id)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes") as string,
    });
    expect(await run("sessions", "kill", name, session.id, "--yes")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: `ended ${session.id} on ${name}\n`,
    });
    await shell.seen(/code=\d+/);
    await watch.printed(/"change":"removed"/);
    watch.kill("SIGINT");
    expect(await watch.exited).toBe(130);
  });

  it("says what is not there", async () => {
    expect(await run("sessions", "kill", name, "main", "--yes")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("try: `rexec sessions ls`") as string,
    });
    expect((await run("sessions", "kill", "nobody", "main", "--yes")).code).toBe(3);
    expect((await run("sessions", "kill", name, "nothing", "--yes")).code).toBe(2);
  });
});

describe("rexec instances", () => {
  it("lists them", async () => {
    const { stdout } = await run("instances");
    expect(stdout).toMatch(/^ID +STATE +AGENTS +SESSIONS +UP +HEARD +VERSION\n\S+ +up +1 +0 +\d+s /);
  });

  it("takes one out of service when that is confirmed", async () => {
    const [{ id }] = JSON.parse((await run("instances", "--json")).stdout) as [{ id: string }];
    expect((await run("instances", "drain", id)).code).toBe(2);
    expect(await run("instances", "drain", "nothing", "--yes")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("try: `rexec instances ls`") as string,
    });
    expect(await run("instances", "drain", id, "--yes")).toMatchObject({ code: 0, stderr: `draining ${id}\n` });
  });
});
