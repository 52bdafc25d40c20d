// `rexec share`, `rexec shares` and `rexec join`: a link to a session, for somebody who has no account.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome, type PtyProcess } from "../support/cli.ts";

/** Of who shares, and of who has nothing but a link. */
let home: CliHome;
let guest: CliHome;
let agent: string;
/** Has opened main. */
let owner: PtyProcess;

beforeAll(async () => {
  [home, guest] = [await CliHome.make(), await CliHome.make()];
  agent = (await home.up()).agentId;
});
afterAll(async () => {
  await guest?.close();
  await home?.close();
});

async function share(...flags: string[]): Promise<{ link: string; id: string; told: string }> {
  const { code, stdout, stderr } = await home.run(["share", agent, ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("rexec shares revoke ") as string });
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#share=rexec_share_[0-9a-f]{48}\n$/);
  return { link: stdout.trim(), id: /revoke (\S+)\n/.exec(stderr)?.[1] ?? "", told: stderr };
}

/** In a terminal, with the link in the environment. */
const join = (link: string, flags = "") => guest.pty(`REXEC_SHARE='${link}' $REXEC join ${flags}`);
const revoke = (id: string) => home.run(["shares", "revoke", id]);

describe("rexec share", () => {
  it("wants a session that runs", async () => {
    const { code, stdout, stderr } = await home.run(["share", agent]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("session not found");
    owner = home.pty(`$REXEC attach ${agent}`);
    await owner.seen(/ready> /);
  });

  it("prints the link alone, and says beside it what it gives and how to end it", async () => {
    const { told, id } = await share("--expires", "30m", "--max-viewers", "2");
    expect(told).toContain("whoever has this link can watch main on ");
    expect(told).toMatch(/for (29|30)m, 2 at once\n/);
    expect(told).toContain("it leads to this machine");
    const json = await home.run(["share", agent, "--type", "--json"]);
    const made = JSON.parse(json.stdout) as Record<string, unknown>;
    expect(made).toMatchObject({ access: "type", session_id: "main", state: "live", max_viewers: 8, opened: 0 });
    expect(made["link"]).toMatch(/#share=rexec_share_/);
    const listed = await home.run(["shares", "ls", "-o", "name"]);
    expect(listed.stdout.trim().split("\n")).toEqual([id, made["id"]]);
    for (const one of [id, String(made["id"])]) expect((await revoke(one)).code).toBe(0);
    expect((await home.run(["shares", "ls", "-o", "name"])).stdout).toBe("");
    const ended = await home.run(["shares", "ls", "--filter", "", "-o", "name"]);
    expect(ended.stdout).toContain(id);
  });

  it.each([
    [["--watch", "--type"], /exclude each other/],
    [["--expires", "30s"], /lifetime must be 1 minute to 7 days/],
    [["--max-viewers", "65"], /1 to 64 will do/],
    [["--session", "mian"], /session_id/],
  ])("refuses %j", async (flags, message) => {
    const { code, stdout, stderr } = await home.run(["share", agent, ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("rexec join", () => {
  it("shows the session to a guest without an account, who types nothing, until the link is revoked", async () => {
    const { link, id } = await share();
    const watcher = join(link);
    await watcher.seen(/rexec: watching main on .*, shared by .* for (59m|1h) more/);
    await watcher.seen(/ready> /);
    watcher.type("echo never-typed\r");
    await watcher.seen(/read-only: what you type is not sent; Ctrl\+] leaves/);
    owner.type("echo for-$((40+2))\r");
    await watcher.seen(/\nfor-42/);
    const { stdout } = await home.run(["shares", "ls"]);
    expect(stdout).toMatch(new RegExp(`${id} .* main +watch +live +1/8 +1 `));
    await revoke(id);
    await watcher.seen(/rexec: share has ended\r\n/);
    await watcher.seen(/try: ask for a new link/);
    expect(await watcher.exited).toBe(255);
    expect(owner.output).not.toContain("never-typed");
    const again = await guest.run(["join"], { env: { REXEC_SHARE: link } });
    expect(again).toMatchObject({ code: 255, stdout: "" });
    expect(again.stderr).toContain("share has ended");
  });

  it("types where the link lets it, and leaves the shell running", async () => {
    const { link, id } = await share("--type");
    const typist = join(link);
    await typist.seen(/ready> /);
    typist.type("echo typed-by-$((1+1))\r");
    await owner.seen(/\ntyped-by-2/);
    typist.type("\x1d");
    await typist.seen(/left the terminal; its shell goes on/);
    expect(await typist.exited).toBe(0);
    const watcher = join(link, "--watch");
    await watcher.seen(/rexec: watching main/);
    await watcher.seen(/ready> /);
    watcher.type("\x1d");
    expect(await watcher.exited).toBe(0);
    await revoke(id);
  });

  it("takes the link from standard input, from a prompt, and as an argument", async () => {
    const { link, id } = await share();
    for (const args of [["join"], ["join", "-"]]) {
      const piped = guest.start(args);
      piped.child.stdin.end(`${link}\n`);
      await piped.printed(/ready> /);
      piped.kill("SIGINT");
      expect(await piped.exited).toBe(130);
    }
    const asked = guest.pty("$REXEC join");
    await asked.seen(/Link: /);
    asked.type(`${link}\r`);
    await asked.seen(/ready> /);
    expect(asked.output).not.toContain("rexec_share_");
    asked.type("\x1d");
    expect(await asked.exited).toBe(0);
    const named = guest.pty(`$REXEC join '${link}'`);
    await named.seen(/ready> /);
    named.type("\x1d");
    expect(await named.exited).toBe(0);
    await revoke(id);
  });

  it.each([
    ["http://127.0.0.1:1/#share=rexec_share_short", 2, "that is no link of a share"],
    ["rexec_share_nothing", 2, "that is no link of a share"],
    [`http://192.0.2.1/#share=rexec_share_${"0".repeat(48)}`, 2, "would be spoken to in clear text"],
    [`http://127.0.0.1:1/#share=rexec_share_${"0".repeat(48)}`, 255, "can't be reached"],
  ])("says what is wrong with %s, and repeats no secret", async (link, code, message) => {
    const answer = await guest.run(["join"], { env: { REXEC_SHARE: link } });
    expect(answer).toMatchObject({ code, stdout: "" });
    expect(answer.stderr).toContain(message);
    expect(answer.stderr).not.toMatch(/rexec_share_\w/);
  });

  it("ends with the shell's exit code", async () => {
    const { link } = await share("--type");
    const typist = join(link);
    await typist.seen(/ready> /);
    typist.type("exit 7\r");
    expect(await typist.exited).toBe(7);
    expect(await owner.exited).toBe(7);
  });
});
