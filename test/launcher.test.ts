// The launcher in front of the private Node: it must not be noticed. Here every Node plays the old one, and the private
// one is this one, in a copy of the few files that take part.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const repository = resolve(import.meta.dirname, "..");

// Stands in for the command line: says what it was given, or does what it is told.
const main = `
const [command, argument] = process.argv.slice(2);
if (command === "exit") process.exit(Number(argument));
if (command === "die") process.kill(process.pid, argument);
if (command === "wait") {
  process.on("SIGINT", () => console.log("SIGINT"));
  process.on("SIGTERM", () => { console.log("SIGTERM"); process.exit(7); });
  setInterval(() => {}, 1000);
  console.log("pid " + process.pid);
}
if (command === "say") {
  const leaked = Object.keys(process.env).filter((name) => name.startsWith("NODE_CHANNEL"));
  console.log(JSON.stringify({ version: process.version, arguments: process.argv.slice(3), leaked }));
}
`;

// Preloaded: the Node that was started first says it is old; the one under the launcher says what it is.
const pretendOld = `
if (process.argv0 !== "rexec") {
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });
}
`;

let root: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rexec-launcher-"));
  const runtime = join(root, "node_modules", `node-${process.platform}-${process.arch}`);
  await Promise.all([
    cp(join(repository, "bin"), join(root, "bin"), { recursive: true }),
    cp(join(repository, "tools/node-runtime"), join(root, "tools/node-runtime"), { recursive: true }),
    mkdir(join(root, "dist"), { recursive: true }),
    mkdir(join(runtime, "bin"), { recursive: true }),
  ]);
  await Promise.all([
    writeFile(join(root, "package.json"), `{ "type": "module" }`),
    writeFile(join(root, "dist/main.js"), main),
    writeFile(join(root, "pretend-old.cjs"), pretendOld),
    writeFile(join(runtime, "package.json"), "{}"),
    symlink(process.execPath, join(runtime, "bin/node")),
  ]);
});

afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

function commandLine(args: string[], { home = root, old = true } = {}): string[] {
  return [...(old ? ["--require", join(root, "pretend-old.cjs")] : []), join(home, "bin/rexec.js"), ...args];
}

function start(args: string[], options?: { home?: string; old?: boolean }): ChildProcess {
  const child = spawn(process.execPath, commandLine(args, options), { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  return child;
}

/** Starts `wait`, and resolves with its output lines once it listens for signals. */
async function startWaiting(): Promise<{ launcher: ChildProcess; pid: number; lines: AsyncIterator<string> }> {
  const launcher = start(["wait"]);
  const lines = createInterface({ input: launcher.stdout! })[Symbol.asyncIterator]();
  const pid = Number((await lines.next()).value?.split(" ")[1]);
  return { launcher, pid, lines };
}

describe("the launcher on an old Node", () => {
  it("hands its arguments over and leaks nothing into the environment", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, commandLine(["say", "a b", "--c"]));
    expect(JSON.parse(stdout)).toEqual({ version: process.version, arguments: ["a b", "--c"], leaked: [] });
  });

  it("ends with the exit code of what it runs", async () => {
    expect(await once(start(["exit", "42"]), "exit")).toEqual([42, null]);
  });

  it.each(["SIGTERM", "SIGKILL", "SIGINT"])("ends by %s where what it runs did", async (signal) => {
    expect(await once(start(["die", signal]), "exit")).toEqual([null, signal]);
  });

  it("forwards signals, each once", async () => {
    const { launcher, lines } = await startWaiting();
    const exit = once(launcher, "exit");
    launcher.kill("SIGINT");
    expect((await lines.next()).value).toBe("SIGINT");
    launcher.kill("SIGTERM");
    expect((await lines.next()).value).toBe("SIGTERM");
    expect(await exit).toEqual([7, null]);
    expect((await lines.next()).done).toBe(true);
  });

  it("takes what it runs along when it is killed", async () => {
    const { launcher, lines } = await startWaiting();
    launcher.kill("SIGKILL");
    // The pipe ends only when its last writer is gone.
    expect((await lines.next()).done).toBe(true);
  });
});

describe("the launcher without what it needs", () => {
  let bare: string;

  beforeAll(async () => {
    bare = await mkdtemp(join(tmpdir(), "rexec-launcher-bare-"));
    await cp(join(root, "bin"), join(bare, "bin"), { recursive: true });
    await cp(join(root, "tools"), join(bare, "tools"), { recursive: true });
    await writeFile(join(bare, "package.json"), `{ "type": "module" }`);
  });

  afterAll(() => rm(bare, { recursive: true, force: true }));

  /** The exit code and what stands on stderr. */
  async function run(options: { old: boolean }): Promise<{ code: number | null; stderr: string }> {
    return new Promise((resolve) => {
      const child = execFile(process.execPath, commandLine([], { home: bare, ...options }), (_error, _stdout, stderr) =>
        resolve({ code: child.exitCode, stderr }),
      );
    });
  }

  it("says how to build where nothing is built", async () => {
    const { code, stderr } = await run({ old: false });
    expect(code).toBe(1);
    expect(stderr).toContain("npm run build");
  });

  it("says how to get a Node where there is only an old one", async () => {
    await mkdir(join(bare, "dist"), { recursive: true });
    await writeFile(join(bare, "dist/main.js"), main);
    const { code, stderr } = await run({ old: true });
    expect(code).toBe(1);
    expect(stderr).toContain(`npm install --prefix ${bare}`);
  });
});
