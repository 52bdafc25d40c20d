// One agent as a process: its network to every instance, its shells' program, and which instance holds it now.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AgentId } from "../src/protocol/ids.ts";
import { READY } from "./echo-line.ts";
import type { ProcessClock } from "../test/support/process-clock.ts";
import type { Guard } from "./guard.ts";
import type { Network } from "./network.ts";
import { type DrillProcess, startRexec } from "./process.ts";

const PROGRAM = fileURLToPath(new URL("../test/support/stream-program.js", import.meta.url));

export interface DrillAgentOptions {
  guard: Guard;
  clock: ProcessClock;
  logFile: string | undefined;
  name: string;
  agentId: AgentId;
  token: string;
  directory: string;
  network: Network;
  /** Positions in `network.urls`, in the order in which it tries them. */
  order: readonly number[];
  bytesPerSecond: number;
  seed: number;
  /** It has ended, and nobody has told it to. */
  onCrash(how: string): void;
}

export class DrillAgent {
  readonly name: string;
  readonly agentId: AgentId;
  readonly network: Network;
  readonly clock: ProcessClock;
  /** Which instance holds it, by what the agent says; undefined while none does. */
  owner: number | undefined;
  /** How often an instance has welcomed it. */
  welcomes = 0;
  readonly #options: DrillAgentOptions;
  #process: DrillProcess | undefined;

  constructor(options: DrillAgentOptions) {
    this.#options = options;
    this.name = options.name;
    this.agentId = options.agentId;
    this.network = options.network;
    this.clock = options.clock;
  }

  /** What everybody typed into the main shell. */
  get inputFile(): string {
    return join(this.#options.directory, "typed");
  }

  /** Resolves when an instance has welcomed it. */
  async start(): Promise<void> {
    const { guard, clock, logFile, directory, onCrash } = this.#options;
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "shell"), this.#shell(), { mode: 0o755 });
    const started = startRexec({
      guard,
      clock,
      logFile,
      commandLine: ["agent", "run"],
      environment: this.environment(join(directory, "shell")),
      onLine: (line) => this.#onLine(line),
    });
    this.#process = started;
    void started.ended.then((how) => {
      if (this.#process !== started) return;
      this.owner = undefined;
      onCrash(`${how}\n${started.lastWords}`);
    });
    if (!(await started.says(/agent connected/))) throw new Error(`${this.name} ended:\n${started.lastWords}`);
  }

  environment(shell: string): Record<string, string> {
    const { directory, agentId, token, network, order, name } = this.#options;
    return {
      HOME: directory,
      REXEC_SHELL: shell,
      REXEC_HOST: order.map((index) => network.urls[index]).join(","),
      REXEC_AGENT_ID: agentId,
      REXEC_TOKEN: token,
      REXEC_NAME: name,
    };
  }

  freeze(): void {
    this.#process?.signal("SIGSTOP");
  }

  thaw(): void {
    this.#process?.signal("SIGCONT");
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const ending = this.#process;
    this.#process = undefined;
    this.owner = undefined;
    await ending?.end(signal);
  }

  /** The first shell prints the stream and keeps what is typed; the others echo. */
  #shell(): string {
    const { directory, bytesPerSecond, seed } = this.#options;
    const stream = `exec '${process.execPath}' '${PROGRAM}' '${this.inputFile}' ${bytesPerSecond} ${seed}`;
    const first = `mkdir '${join(directory, "first")}' 2>/dev/null && ${stream}`;
    return `#!/bin/sh\nstty raw -echo\n${first}\nprintf ${READY}\nexec cat\n`;
  }

  #onLine(line: string): void {
    if (!/"msg":"agent (connected|connecting|waiting|stopped|refused)"/.test(line)) return;
    const { msg, server = "" } = JSON.parse(line) as { msg: string; server?: string };
    const index = this.network.urls.findIndex((url) => url === server);
    if (msg === "agent connected") this.welcomes += 1;
    this.owner = msg === "agent connected" && index >= 0 ? index : undefined;
  }
}
