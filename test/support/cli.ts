// Runs the built command line as its users do: in a pipe, or in a real PTY.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spawn as spawnPty } from "@lydell/node-pty";

const REXEC = resolve(import.meta.dirname, "../../bin/rexec.js");
const TIMEOUT_MS = 30_000;
/** A first start of the embedded database, on a machine that does much else. */
const START_TIMEOUT_MS = 90_000;
/** Of the shells that the agent starts. */
const PROMPT = "ready> ";

/** A home of its own: nothing of the machine's user is read or changed. */
export class CliHome {
  readonly dir: string;
  readonly #started: { kill(signal: string): void }[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<CliHome> {
    const dir = await mkdtemp(join(tmpdir(), "rexec-cli-"));
    await writeFile(join(dir, ".profile"), `PS1='${PROMPT}'\n`);
    return new CliHome(dir);
  }

  get stateDir(): string {
    return join(this.dir, ".local/state/rexec");
  }

  get configDir(): string {
    return join(this.dir, ".config/rexec");
  }

  environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { PATH, LANG } = process.env;
    return { PATH, LANG, HOME: this.dir, SHELL: "/bin/sh", TERM: "xterm-256color", ...extra };
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliProcess {
    const child = spawn(process.execPath, [REXEC, ...args], { env: this.environment(env), cwd: this.dir });
    const started = new CliProcess(child);
    this.#started.push(started);
    return started;
  }

  /** To its end, with `input` as the whole standard input. */
  async run(args: readonly string[], options: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
    const started = this.start(args, options.env);
    started.child.stdin.end(options.input ?? "");
    const code = await started.exited;
    return { code, stdout: started.stdout, stderr: started.stderr };
  }

  /** In a terminal of its own. `command` is run by sh, where `$REXEC` is the command line. */
  pty(command: string, size = { cols: 80, rows: 24 }): PtyProcess {
    const env = this.environment({ REXEC: `${process.execPath} ${REXEC}` });
    const started = new PtyProcess(command, { env, cwd: this.dir, ...size });
    this.#started.push(started);
    return started;
  }

  async close(): Promise<void> {
    for (const started of this.#started) started.kill("SIGKILL");
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A `rexec up` without a terminal; resolves when it serves. */
  async up(
    args: readonly string[] = [],
  ): Promise<{ process: CliProcess; origin: string; grpcAddress: string; agentId: string }> {
    const process = this.start(["up", ...args]);
    await process.seen(/rexec .*agent invite/, START_TIMEOUT_MS);
    const running = JSON.parse(await readFile(join(this.stateDir, "up.json"), "utf8")) as {
      origin: string;
      grpcAddress: string;
      agentId: string;
    };
    return { process, ...running };
  }
}

export class CliProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** The exit code; 128 + n for a signal is not translated: -1 then. */
  readonly exited: Promise<number>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.setEncoding("latin1").on("data", (text: string) => void (this.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => void (this.stderr += text));
    // It may end before it has read its input.
    child.stdin.on("error", () => {});
    this.exited = new Promise((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  }

  kill(signal: string): void {
    this.child.kill(signal as NodeJS.Signals);
  }

  /** Resolves when standard error has it. */
  seen(pattern: RegExp, timeoutMs = TIMEOUT_MS): Promise<void> {
    return this.#have("stderr", pattern, timeoutMs);
  }

  /** Resolves when standard output has it. */
  printed(pattern: RegExp): Promise<void> {
    return this.#have("stdout", pattern, TIMEOUT_MS);
  }

  #have(where: "stdout" | "stderr", pattern: RegExp, timeoutMs: number): Promise<void> {
    return waitFor(
      timeoutMs,
      (look) => {
        this.child[where].on("data", look);
        this.child.once("close", look);
        return () => this.child[where].off("data", look);
      },
      () => {
        if (pattern.test(this[where])) return true;
        if (this.child.exitCode === null) return false;
        throw new Error(`ended with ${this.child.exitCode} before ${pattern}: ${this.stderr}`);
      },
      () => `no ${pattern} in: ${this[where]}`,
    );
  }
}

export class PtyProcess {
  /** All that was printed, as Latin-1: one character a byte. */
  output = "";
  readonly exited: Promise<number>;
  readonly #pty: ReturnType<typeof spawnPty>;
  readonly #looks = new Set<() => void>();
  #from = 0;

  constructor(command: string, options: { env: NodeJS.ProcessEnv; cwd: string; cols: number; rows: number }) {
    this.#pty = spawnPty("/bin/sh", ["-c", command], { ...options, name: "xterm-256color", encoding: null });
    this.#pty.onData((data: string | Buffer) => {
      this.output += Buffer.isBuffer(data) ? data.toString("latin1") : data;
      for (const look of this.#looks) look();
    });
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => resolve(exitCode));
    });
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  /** Types this once that has been printed, whenever it is; not at all where it never is. */
  answer(pattern: RegExp, typed: string): void {
    const look = (): void => {
      if (!pattern.test(this.output)) return;
      this.#looks.delete(look);
      this.type(typed);
    };
    this.#looks.add(look);
    look();
  }

  resize(cols: number, rows: number): void {
    this.#pty.resize(cols, rows);
  }

  pause(): void {
    this.#pty.pause();
  }

  resume(): void {
    this.#pty.resume();
  }

  kill(signal: string): void {
    try {
      this.#pty.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  /** Resolves with what matched, once it is printed after the last match. */
  async seen(pattern: RegExp, timeoutMs = TIMEOUT_MS): Promise<string> {
    let found: RegExpExecArray | null = null;
    await waitFor(
      timeoutMs,
      (look) => {
        this.#looks.add(look);
        return () => this.#looks.delete(look);
      },
      () => {
        found = pattern.exec(this.output.slice(this.#from));
        return found !== null;
      },
      () => `no ${pattern} in: ${JSON.stringify(this.output.slice(this.#from).slice(-2000))}`,
    );
    const match = found as unknown as RegExpExecArray;
    this.#from += match.index + match[0].length;
    return match[0];
  }
}

function waitFor(
  timeoutMs: number,
  listen: (look: () => void) => () => void,
  isThere: () => boolean,
  describe: () => string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error(describe()))), timeoutMs);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      unlisten();
      settle();
    };
    const look = (): void => {
      try {
        if (isThere()) finish(resolve);
      } catch (error) {
        finish(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const unlisten = listen(look);
    look();
  });
}
