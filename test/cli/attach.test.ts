// `rexec attach` in a real terminal, against a real server and agent.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome } from "../support/cli.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

let home: CliHome;
let up: Awaited<ReturnType<CliHome["up"]>>;
let agent: string;

beforeAll(async () => {
  home = await CliHome.make();
  up = await home.up();
  agent = up.agentId;
});

afterAll(async () => {
  up?.process.kill("SIGTERM");
  await up?.process.exited;
  await home?.close();
});

/** A terminal on a shell of its own, with a prompt that a test can wait for. */
async function attached(flags = "--split", wrap = (command: string) => command) {
  const pty = home.pty(wrap(`$REXEC attach ${agent} ${flags}`));
  await pty.seen(/ready> /);
  return pty;
}

describe("rexec attach", () => {
  it("types and shows, and exits with the shell's code", async () => {
    const pty = await attached();
    pty.type("echo $((6*7))\r");
    await pty.seen(/\n42\r/);
    pty.type("exit 7\r");
    expect(await pty.exited).toBe(7);
  });

  it("has the window's size, and follows it", async () => {
    const pty = await attached();
    pty.type("stty size\r");
    await pty.seen(/24 80/);
    pty.resize(101, 31);
    pty.type("while sleep 0.1; do stty size; done\r");
    await pty.seen(/31 101/);
    pty.type("\x1d");
    expect(await pty.exited).toBe(0);
  });

  it("leaves with Ctrl+], says so, and puts the terminal back as it was", async () => {
    const pty = await attached("--split", (command) => `stty -a; ${command}; echo code=$?; stty -a`);
    pty.type("printf '\\033[?1049h\\033[?1000h\\033[?25l'; echo ready\r");
    await pty.seen(/\nready/);
    pty.type("\x1d");
    await pty.seen(/\x1b\[\?1000l\x1b\[\?25h\x1b\[\?1049l/);
    await pty.seen(/left the terminal; its shell goes on\r\n/);
    await pty.seen(/code=0\r\n/);
    expect(await pty.exited).toBe(0);
    const settings = pty.output.match(/speed [^]*?(?:echoke|extproc)[^\n]*\n/g);
    expect(settings).toHaveLength(2);
    expect(settings?.[1]).toBe(settings?.[0]);
  });

  it("comes back to the shared shell as it was left, by the agent's name", async () => {
    const names = await home.run(["agents", "ls", "-o", "name"]);
    const first = await attached("");
    first.type("cd /tmp; marker=kept\r");
    first.type("echo on-$marker-screen\r");
    await first.seen(/on-kept-screen\r\n/);
    first.type("\x1d");
    await first.exited;
    const second = home.pty(`$REXEC attach ${names.stdout.trim()}`);
    await second.seen(/on-kept-screen/);
    second.type("echo again-$marker\r");
    await second.seen(/again-kept/);
    second.type("\x1d");
    expect(await second.exited).toBe(0);
  });

  it("prints no carriage return that nobody sent", async () => {
    const pty = await attached();
    pty.type("stty -opost; printf 'a\\nb\\n'; echo done; stty opost\r");
    await pty.seen(/a\nb\ndone/);
    pty.type("exit\r");
    await pty.exited;
  });

  it("sends nothing where it only watches", async () => {
    const typist = await attached("");
    const watcher = home.pty(`$REXEC attach ${agent} --watch`);
    await watcher.seen(/ready> /);
    watcher.type("echo never-typed\r");
    typist.type("echo typed\r");
    await watcher.seen(/ready> .*what you type is not sent; Ctrl\+] leaves/s);
    await watcher.seen(/\ntyped/);
    watcher.type("\x1d");
    expect(await watcher.exited).toBe(0);
    expect(watcher.output).not.toContain("never-typed");
    typist.type("\x1d");
    await typist.exited;
  });

  it.each(["SIGTERM", "SIGHUP"])("puts the terminal back when it is ended by %s", async (signal) => {
    // A background job of sh has no standard input of its own.
    const wrap = (command: string): string => `exec 3<&0; ${command} <&3 & pid=$!; echo pid=$pid; wait $pid`;
    const pty = await attached("--split", wrap);
    const pid = Number(/pid=(\d+)/.exec(pty.output)?.[1]);
    pty.type("printf '\\033[?2004h\\033[?1003h'; echo ready\r");
    await pty.seen(/\nready/);
    process.kill(pid, signal);
    await pty.seen(/\x1b\[\?1003l/);
    expect(await pty.exited).toBe(128 + (signal === "SIGTERM" ? 15 : 1));
  });

  it("can be left while nobody reads its output", async () => {
    const pty = await attached();
    pty.type("yes\r");
    await pty.seen(/(y\r\n){50}/);
    pty.pause();
    pty.type("\x1d");
    pty.resume();
    await pty.seen(/left the terminal/);
    expect(await pty.exited).toBe(0);
  });

  it("goes on after the connection was lost, and says so on lines of its own", async () => {
    const { port } = new URL(up.origin);
    const proxy = await startTcpProxy({ host: "127.0.0.1", port: Number(port) });
    try {
      const through = `--server ${proxy.through(up.origin)} --grpc ${up.grpcAddress} --token-file ${home.stateDir}/admin-token`;
      const pty = await attached(`--split ${through}`);
      pty.type("n=41\r");
      await pty.seen(/ready> /);
      await proxy.cut();
      await pty.seen(/\r\n\x1b\[2m\[rexec: connection lost \(.*\); trying again\]\x1b\[22m\r\n/);
      pty.type("echo $((n+1))\r");
      await proxy.mend();
      await pty.seen(/\[rexec: reconnected\]/);
      await pty.seen(/\n42\r/);
      pty.type("exit\r");
      expect(await pty.exited).toBe(0);
    } finally {
      await proxy.close();
    }
  });

  it("types what comes from a pipe, and prints what the shell prints, byte for byte", async () => {
    const input = "stty -opost -echo; PS1=; echo BEGIN; seq 1 300000; exit 3\n";
    const { code, stdout } = await home.run(["attach", agent, "--split"], { input });
    expect(code).toBe(3);
    const expected = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join("");
    const got = stdout.slice(stdout.lastIndexOf("BEGIN\n") + 6);
    expect(got.startsWith(expected)).toBe(true);
  });

  it("takes a large paste whole", async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} of a paste\n`).join("");
    const input = `stty -echo; cat > ${home.dir}/paste; md5sum ${home.dir}/paste; exit\n`;
    const { stdout } = await home.run(["attach", agent, "--split"], { input: `${input}${lines}\x04` });
    const { createHash } = await import("node:crypto");
    expect(stdout).toContain(createHash("md5").update(lines).digest("hex"));
  });
});

describe("a failure of rexec attach", () => {
  it.each([
    [["attach", "nobody"], /no agent named nobody/],
    [["attach", "11111111-1111-4111-8111-111111111111"], /agent not found/],
    [
      ["attach", "x", "--server", "http://127.0.0.1:1", "--grpc", "127.0.0.1:1", "--token-file", "token"],
      /can't be read|can't be reached/,
    ],
  ])("%j exits with 255 or usage, in three lines", async (args, message) => {
    const { code, stderr, stdout } = await home.run(args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n").length).toBeLessThanOrEqual(3);
    expect(stdout).toBe("");
    expect([255, 2]).toContain(code);
  });

  it("names a session that is not there", async () => {
    const { code, stderr } = await home.run(["attach", agent, "--session", "split-nothing"]);
    expect(stderr).toMatch(/session not found/);
    expect(code).toBe(255);
  });

  it("is over at Ctrl-C while it waits", async () => {
    const { stdout } = await home.run(["agents", "ls", "--json"]);
    expect(JSON.parse(stdout)).toHaveLength(1);
    const made = await home.run(["agent", "enroll", "--name", "away"]);
    const pty = home.pty(`$REXEC attach ${made.stdout.trim()} --wait`);
    await pty.seen(/\[rexec: waiting: agent not online\]/);
    pty.type("\x03");
    expect(await pty.exited).toBe(130);
    const refused = await home.run(["attach", "away"]);
    expect(refused).toMatchObject({ code: 255, stderr: expect.stringMatching(/agent not online/) as string });
  });
});
