// One agent and everybody who looks at it: two who type into its main shell, one who passes by and only looks, and one
// with a shell that echoes. Each reaches the instances in an order and over a network of its own.

import { readFile } from "node:fs/promises";
import type { AgentId } from "../src/protocol/ids.ts";
import { MAIN_SESSION } from "../src/protocol/ids.ts";
import type { DrillAgent } from "./agent.ts";
import { EchoLine } from "./echo-line.ts";
import { type Network, startNetwork } from "./network.ts";
import { OutputCheck } from "./output-check.ts";
import type { Random } from "./random.ts";
import { checkTyped, type TypedFigures, typedBy } from "./typed-symbols.ts";
import { type LostInput, Typist } from "./typist.ts";
import { DrillViewer } from "./viewer.ts";

export interface StationOptions {
  agent: DrillAgent;
  seed: number;
  token: string;
  /** Of the instances, in their order. */
  ports: readonly number[];
  random: Random;
  /** Something that must never happen. */
  onProblem(what: string): void;
}

interface Seat {
  network: Network;
  urls: readonly string[];
}

const TYPISTS = 2;

export class Station {
  readonly agent: DrillAgent;
  /** In one order for the whole drill, so that a schedule means the same ones every time. */
  readonly typists: { viewer: DrillViewer; typist: Typist }[] = [];
  readonly #options: StationOptions;
  readonly #seats: Seat[] = [];
  readonly #pastViewers: DrillViewer[] = [];
  readonly #pastEchoes: EchoLine[] = [];
  #passerBy: DrillViewer | undefined;
  #echo: EchoLine | undefined;
  #passers = 0;
  #echoes = 0;
  /** Of echo lines that were given up for it. */
  readonly #lostEcho: LostInput[] = [];

  constructor(options: StationOptions) {
    this.#options = options;
    this.agent = options.agent;
  }

  get passerBy(): DrillViewer {
    if (this.#passerBy === undefined) throw new Error("not opened");
    return this.#passerBy;
  }

  get echo(): EchoLine {
    if (this.#echo === undefined) throw new Error("not opened");
    return this.#echo;
  }

  /** Those who are there now. */
  get viewers(): DrillViewer[] {
    return [...this.typists.map(({ viewer }) => viewer), this.passerBy, this.echo.viewer];
  }

  /** Of all who ever looked, those that have gone before the others. */
  get everyViewer(): DrillViewer[] {
    return [...this.#pastViewers, ...this.#pastEchoes.map(({ viewer }) => viewer), ...this.viewers];
  }

  /** What was typed into echoing shells and came back, those that were given up included. */
  get everyEcho(): EchoLine[] {
    return [...this.#pastEchoes, this.echo];
  }

  async open(): Promise<void> {
    const { ports, random } = this.#options;
    for (let seat = 0; seat < TYPISTS + 2; seat++) {
      const network = await startNetwork(ports);
      this.#seats.push({ network, urls: random.shuffle(network.urls) });
    }
    for (let typist = 0; typist < TYPISTS; typist++) this.#addTypist(typist);
    // Whoever comes first starts the main shell: who only looks can't, and an echoing one must not be it.
    await until(() => this.typists.every(({ viewer }) => viewer.silences.hasHeard));
    this.#passBy();
    this.#openEcho();
    await until(() => this.echo.viewer.isReady);
  }

  startTyping(): void {
    for (const { typist } of this.typists) typist.start();
    this.echo.start();
  }

  stopTyping(): void {
    for (const { typist } of this.typists) typist.stop();
    this.echo.stop();
  }

  /** The passer-by vanishes, and another takes the seat. */
  replacePasserBy(): void {
    this.passerBy.vanish();
    this.#retire(this.passerBy);
    this.#passBy();
  }

  /** What arrived in the shell of what each typed. */
  async checkInput(): Promise<TypedFigures[]> {
    const all = await readFile(this.agent.inputFile);
    return this.typists.map(({ typist: { stream, typed, told } }) =>
      checkTyped(stream, { typed, told, arrived: typedBy(stream.typist, all) }),
    );
  }

  /** Of which the viewers were told. */
  lostInput(): readonly LostInput[] {
    return [...this.typists.flatMap(({ typist }) => typist.told), ...this.#lostEcho];
  }

  async close(): Promise<void> {
    this.stopTyping();
    for (const viewer of this.#echo === undefined ? [] : this.viewers) viewer.leave();
    for (const { network } of this.#seats) await network.close();
  }

  #addTypist(index: number): void {
    const check = new OutputCheck(this.#options.seed);
    const viewer: DrillViewer = new DrillViewer({
      ...this.#common(index, `typist ${index + 1}`),
      target: { kind: "session", sessionId: MAIN_SESSION },
      readOnly: false,
      check,
      onInputLost: (lost) => typist.lost(lostBy(viewer, lost)),
    });
    const typist = new Typist({ typist: index, seed: this.#options.seed + index }, viewer.terminal);
    this.typists.push({ viewer, typist });
  }

  #passBy(): void {
    this.#passerBy = new DrillViewer({
      ...this.#common(TYPISTS, `passer-by ${++this.#passers}`),
      target: { kind: "session", sessionId: MAIN_SESSION },
      readOnly: true,
      check: new OutputCheck(this.#options.seed),
    });
  }

  #openEcho(): void {
    const seed = this.#options.seed + 100 + this.#echoes++;
    const line: EchoLine = new EchoLine(
      {
        ...this.#common(TYPISTS + 1, `echo ${this.#echoes}`),
        // Where keys are lost, what comes back says nothing any more: a new shell is opened in place of this one.
        onInputLost: (lost) => {
          this.#lostEcho.push(lostBy(line.viewer, lost));
          line.stop();
          line.viewer.leave();
          line.viewer.silences.end();
          this.#pastEchoes.push(line);
          this.#openEcho();
          this.echo.takeOver(line);
          this.echo.start();
        },
      },
      seed,
    );
    this.#echo = line;
  }

  #retire(viewer: DrillViewer): void {
    viewer.silences.end();
    this.#pastViewers.push(viewer);
  }

  #common(seat: number, name: string): SeatOptions {
    const { agent, token, random, onProblem } = this.#options;
    const { network, urls } = this.#seats[seat] as Seat;
    const whole = `${agent.name} ${name}`;
    const onEnd = (why: string): void => onProblem(`${whole}: the terminal has ended: ${why}`);
    return { name: whole, agentId: agent.agentId, token, network, urls, random: random.fork().next, onEnd };
  }
}

interface SeatOptions {
  name: string;
  agentId: AgentId;
  token: string;
  network: Network;
  urls: readonly string[];
  random: () => number;
  onEnd(why: string): void;
}

function lostBy(viewer: DrillViewer, lost: { unknownBytes: number; unsentBytes: number }): LostInput {
  return {
    bytes: lost.unknownBytes + lost.unsentBytes,
    atMs: performance.now(),
    awayMs: viewer.silences.silentMs,
  };
}

const OPEN_TIMEOUT_MS = 60_000;

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + OPEN_TIMEOUT_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error("the terminals have not opened in a minute");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
