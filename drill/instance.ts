// One instance of the server as a process that is killed, stopped, drained and started again on the same ports.

import { setTimeout as delay } from "node:timers/promises";
import type { ProcessClock } from "../test/support/process-clock.ts";
import { steadyPort } from "../test/support/steady-port.ts";
import { type DrillProcess, type ProcessOptions, startRexec } from "./process.ts";

/** up · frozen: stopped, its sockets are open · draining: told to end · down · starting: not serving yet. */
export type InstanceState = "up" | "frozen" | "draining" | "down" | "starting";

export interface InstanceDeps extends Pick<ProcessOptions, "guard" | "logFile" | "clock"> {
  name: string;
  environment: Readonly<Record<string, string>>;
  /** It has ended, and nobody has told it to. */
  onCrash(how: string): void;
}

/** It may have to wait for Postgres; whoever runs it starts it again until it serves. */
const START_TIMEOUT_MS = 90_000;
const RETRY_MS = 500;

export class Instance {
  readonly name: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly clock: ProcessClock;
  state: InstanceState = "down";
  readonly #deps: InstanceDeps;
  #process: DrillProcess | undefined;

  static async reserve(deps: InstanceDeps): Promise<Instance> {
    return new Instance(deps, { httpPort: await steadyPort(), grpcPort: await steadyPort() });
  }

  private constructor(deps: InstanceDeps, { httpPort, grpcPort }: { httpPort: number; grpcPort: number }) {
    this.name = deps.name;
    this.#deps = deps;
    this.clock = deps.clock;
    this.httpPort = httpPort;
    this.grpcPort = grpcPort;
  }

  get grpcAddress(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  /** Resolves when it serves. Rejects where that never comes. */
  async start(): Promise<void> {
    this.state = "starting";
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const started = this.#startProcess();
      this.#process = started;
      if (await started.says(/^serving /)) break;
      // Ended on our behalf meanwhile, or for want of Postgres.
      if ((this.state as InstanceState) === "down") return;
      if (performance.now() > deadline) throw new Error(`${this.name} does not start:\n${started.lastWords}`);
      await delay(RETRY_MS);
    }
    this.state = "up";
  }

  /** SIGKILL at once, or SIGTERM and the end that it makes of itself. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.state = signal === "SIGKILL" ? "down" : "draining";
    await this.#process?.end(signal);
    this.state = "down";
  }

  freeze(): void {
    this.state = "frozen";
    this.#process?.signal("SIGSTOP");
  }

  thaw(): void {
    this.state = "up";
    this.#process?.signal("SIGCONT");
  }

  #startProcess(): DrillProcess {
    const { guard, clock, logFile, environment, onCrash } = this.#deps;
    const started = startRexec({
      guard,
      clock,
      logFile,
      commandLine: ["server"],
      environment: {
        ...environment,
        REXEC_INSTANCE_ID: this.name,
        REXEC_HTTP_PORT: String(this.httpPort),
        REXEC_GRPC_PORT: String(this.grpcPort),
      },
    });
    void started.ended.then((how) => {
      if (this.#process !== started || this.state === "down" || this.state === "draining") return;
      if (this.state !== "starting") onCrash(`${how}\n${started.lastWords}`);
    });
    return started;
  }
}
