// The Tab key, in real shells: what they offer for a line that is begun.
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliHome, type PtyProcess } from "../support/cli.ts";
import { completeInBash, completeInFish, type ShellEnvironment, startZsh } from "../support/shells.ts";
import { registerOver } from "../support/test-server.ts";

const REXEC = resolve(import.meta.dirname, "../../bin/rexec.js");
/** What a stranger could call an agent. */
const DANGEROUS = "$(touch pwned)";

let home: CliHome;
let attached: PtyProcess;
let sessionId: string;

/** The names come from a real server, which `rexec up` has made the current context. */
beforeAll(async () => {
  home = await CliHome.make();
  const up = await home.up();
  const adminToken = (await readFile(join(home.stateDir, "admin-token"), "utf8")).trim();
  for (const name of ["zoe-1", "zoe-2", "zoe three", `zoe ${DANGEROUS}`, "--insecure"]) {
    await registerOver(up.grpcAddress, adminToken, name);
  }
  attached = home.pty(`$REXEC attach ${up.agentId} --split`);
  await attached.seen(/ready> /);
  const [name = ""] = (await home.run(["agents", "-o", "name", "--filter", "status:online"])).stdout.split("\n");
  await home.run(["agents", "update", name, "--name", "here"]);
  sessionId = (await home.run(["sessions", "-o", "name"])).stdout.trim();
  await mkdir(join(home.dir, "bin"));
  await writeFile(join(home.dir, "bin/rexec"), `#!/bin/sh\nexec ${process.execPath} ${REXEC} "$@"\n`);
  await chmod(join(home.dir, "bin/rexec"), 0o755);
  await writeFile(join(home.dir, "some-file"), "");
});

afterAll(async () => {
  await home?.close();
});

async function shell(name: string): Promise<ShellEnvironment> {
  const scriptFile = join(home.dir, `completion.${name}`);
  if (!existsSync(scriptFile)) {
    const { code, stdout, stderr } = await home.run(["completion", name]);
    expect([code, stderr]).toEqual([0, ""]);
    await writeFile(scriptFile, stdout, "latin1");
  }
  const env = home.environment({ PATH: `${home.dir}/bin:${process.env["PATH"] ?? ""}` });
  return { env, cwd: home.dir, scriptFile };
}

/** The line as typed, and the words that may stand in the place of its last one. */
const CASES: [line: string, words: string[]][] = [
  ["rexec ag", ["agent", "agents"]],
  ["rexec agents ", ["get", "lock", "ls", "rm", "unlock", "update"]],
  ["rexec -o json --yes agents l", ["lock", "ls"]],
  ["rexec agents ls --or", ["--order"]],
  ["rexec agents ls --out", ["--output"]],
  ["rexec -o ", ["json", "jsonl", "name", "table", "wide"]],
  ["rexec users ls --order created", ["created_at", "created_at desc"]],
  ["rexec token create x --scope ", ["admin", "agent", "read", "write"]],
  ["rexec completion ", ["bash", "fish", "zsh"]],
  ["rexec agents ls --filter ", []],
  ["rexec attach zoe-", ["zoe-1", "zoe-2"]],
  ["rexec agents rm zoe-1 h", ["here"]],
  ["rexec attach --split h", ["here"]],
  ["rexec sessions kill here ", ["SESSION"]],
  ["rexec attach here --session ", ["SESSION"]],
  ["rexec sessions kill nobody ", []],
  ["rexec context use ", ["local"]],
  ["rexec agents get -- --ins", []],
  ["rexec --context lo", ["local"]],
  ["rexec --context nowhere attach z", []],
  ["rexec attach -- z", ["zoe $(touch pwned)", "zoe three", "zoe-1", "zoe-2"]],
];

const expected = (words: readonly string[]) => words.map((word) => word.replace("SESSION", sessionId)).toSorted();

describe("bash", () => {
  it.each(CASES)("%j: %j", async (line, words) => {
    const quoted = expected(words).map((word) => word.replace(/[^\w.-]/g, "\\$&"));
    expect((await completeInBash(line.split(" "), await shell("bash"))).toSorted()).toEqual(quoted.toSorted());
  });

  it("reads --output=json, which bash takes apart", async () => {
    const words = ["rexec", "agents", "ls", "--output", "=", "j"];
    expect(await completeInBash(words, await shell("bash"))).toEqual(["json", "jsonl"]);
    expect(await completeInBash(["rexec", "agents", "ls", "--output", "="], await shell("bash"))).toHaveLength(5);
  });

  it("makes no command of a name, not even within quotes", async () => {
    const bash = await shell("bash");
    expect(await completeInBash(["rexec", "attach", '"zoe'], bash)).toEqual(["zoe three", "zoe-1", "zoe-2"]);
    const [reply = ""] = await completeInBash(["rexec", "attach", "zoe\\ $"], bash);
    expect(reply).toBe("zoe\\ \\$\\(touch\\ pwned\\)");
    expect(await readdir(home.dir)).not.toContain("pwned");
  });

  it("leaves paths to bash", async () => {
    expect(await completeInBash(["rexec", "login", "--token-file", "so"], await shell("bash"))).toEqual([]);
  });
});

describe("fish", () => {
  it.each(CASES)("%j: %j", async (line, words) => {
    const offered = (await completeInFish(line, await shell("fish"))).map((found) => found.split("\t")[0] ?? "");
    expect(offered.toSorted()).toEqual(expected(words));
  });

  it("describes what it offers, completes --output=json and paths", async () => {
    const fish = await shell("fish");
    expect(await completeInFish("rexec agents l", fish)).toContain("ls\tlist agents");
    expect(await completeInFish("rexec agents ls --output=j", fish)).toEqual(["--output=json", "--output=jsonl"]);
    expect(await completeInFish("rexec login --token-file some", fish)).toEqual(["some-file"]);
    expect(await readdir(home.dir)).not.toContain("pwned");
  });
});

describe("zsh", () => {
  it("completes commands, flags, their values, names and paths", async () => {
    const zsh = await startZsh(await shell("zsh"));
    const completes = async (typed: string, shown: RegExp) => {
      zsh.type(`${typed}\t`);
      await zsh.shows(shown);
      // The line is given up.
      zsh.type("\x03");
      await zsh.shows(/\nzsh>\n*$/);
      zsh.type("clear\r");
      await zsh.shows(/^zsh>\n+$/);
    };
    await completes("rexec agents unl", /rexec agents unlock/);
    await completes("rexec agents l\t", /lock +-- lock an agent behind your second factor[\s\S]*ls +-- list agents/);
    await completes("rexec agents ls --fil", /--filter/);
    await completes("rexec agents ls --output=ta", /--output=table/);
    await completes("rexec users ls --order email\\ ", /email\\ desc/);
    await completes("rexec attach he", /attach here/);
    await completes("rexec attach zoe\\ th", /zoe\\ three/);
    await completes("rexec attach zoe\\ \\$", /zoe\\ \\\$\\\(touch\\ pwned\\\)/);
    await completes("rexec sessions kill here spl", new RegExp(`kill here ${sessionId}`));
    await completes("rexec --context lo", /--context local/);
    await completes("rexec login --token-file some", /some-file/);
    zsh.kill();
    expect(await readdir(home.dir)).not.toContain("pwned");
  });
});

describe("the names", () => {
  it("are none, in silence and soon, where the server does not answer", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => silent.once("listening", done));
    const { port } = silent.address() as { port: number };
    const server = ["--server", "http://127.0.0.1:1", "--grpc", `127.0.0.1:${port}`];
    const startedAt = performance.now();
    const asked = await home.run(["__complete", "agents", "", "", "--", ...server], { env: { REXEC_TOKEN: "x" } });
    silent.close();
    expect(asked).toEqual({ code: 0, stdout: "", stderr: "" });
    // One second, and what a start takes on a machine that does much else.
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it("never read what is typed next", async () => {
    const asked = home.start(["__complete", "agents", "", "", "--", "--token-file", "-"]);
    expect(await asked.exited).toBe(0);
    expect([asked.stdout, asked.stderr]).toEqual(["", ""]);
  });
});
