// A command on many agents: so many at once, each line with its agent's name, and how each has ended.

import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "../gen/rexec/agent/v1/agent_service.ts";
import { type AgentId, parseUuid } from "../protocol/ids.ts";
import type { ProgramConnection } from "../client/program-connection.ts";
import { harmless } from "../text/harmless.ts";
import { CliError, EXIT, nobodyReads } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApiOf } from "./command-context.ts";
import { listAllAgents } from "./list-agents.ts";
import { OrderedWriter } from "./ordered-writer.ts";
import { LabelledLines } from "./labelled-lines.ts";
import type { Target } from "./target.ts";
import { runOnAgent, type RunOnAgent } from "./run-on-agent.ts";

/** Of each agent's output, in JSON; what is more is cut, and said so. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
const FILE_DESCRIPTORS = { stdout: 1, stderr: 2 } as const;
/** A server gives a place back a moment after its program has ended. */
const PLACE_FREE_MS = 5_000;
const ASK_AGAIN_MS = 200;
/** Named at the end; how many more there are is said. */
const MAX_NAMED = 20;

export interface ExecOnMany extends Omit<RunOnAgent, "agentId" | "onOutput"> {
  target: Target & { token: string };
  filter: string;
  parallel: number;
}

type Ending = { exitCode: number } | { error: CliError };

/** Returns the exit code: 0 where all have ended with 0, 9 where some have, 1 where none has. */
export async function execOnMany(
  { filter, parallel, ...run }: ExecOnMany,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<number> {
  const agents = await withApiOf(run.target, flags, context, (api) => listAllAgents(api, filter, "name"));
  if (agents.length === 0) throw new CliError("AGENT_NOT_FOUND", { message: `no agent matches ${filter}` });
  const format = formatOf(flags);
  let brokenBy: Error | undefined;
  const writer = new OrderedWriter((error) => {
    // Nobody reads our output any more: nobody wants the commands'.
    brokenBy = error;
    leave();
  });
  const report = format === "json" || format === "jsonl" ? new JsonReport(format, writer) : new LineReport(writer);
  const connections = new Set<ProgramConnection>();
  let isLeft = context.signal.aborted;
  const leave = (): void => {
    isLeft = true;
    for (const connection of connections) connection.close();
  };
  context.signal.addEventListener("abort", leave, { once: true });
  const endings = new Map<Agent, Ending>();
  const waiting = [...agents];
  const underWay = new Set<Promise<void>>();
  let lastEndedAtMs = Number.NEGATIVE_INFINITY;

  async function runOn(agent: Agent): Promise<void> {
    const agentId = parseUuid<AgentId>(agent.id);
    if (agentId === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no agent id" });
    const begin = report.begin(agent);
    let connection: ProgramConnection | undefined;
    const onConnection = (opened: ProgramConnection): void => {
      connection = opened;
      connections.add(opened);
      opened.end();
    };
    let ending: Ending;
    try {
      ending = { exitCode: await runOnAgent({ ...run, agentId, onOutput: begin.output, onConnection }) };
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      // The plan lets fewer be open at once: it has its turn when another has ended, and that one's place is free.
      const isSoonFree = performance.now() - lastEndedAtMs < PLACE_FREE_MS;
      if (error.reason === "AGENT_TERMINAL_LIMIT_REACHED" && (underWay.size > 1 || isSoonFree)) {
        if (underWay.size === 1) await sleep(ASK_AGAIN_MS);
        return void waiting.unshift(agent);
      }
      ending = { error };
    } finally {
      if (connection !== undefined) connections.delete(connection);
    }
    if ("exitCode" in ending) lastEndedAtMs = performance.now();
    endings.set(agent, ending);
    begin.end(ending);
  }

  while ((waiting.length > 0 || underWay.size > 0) && !isLeft) {
    while (waiting.length > 0 && underWay.size < parallel) {
      const running: Promise<void> = runOn(waiting.shift() as Agent).finally(() => underWay.delete(running));
      underWay.add(running);
    }
    await Promise.race(underWay);
  }
  await Promise.all(underWay);
  context.signal.removeEventListener("abort", leave);
  report.finish();
  // However slowly it is read.
  await writer.flushed();
  if (brokenBy !== undefined) throw nobodyReads(brokenBy);
  return sumUp(agents, endings, context);
}

function sumUp(agents: readonly Agent[], endings: ReadonlyMap<Agent, Ending>, context: CommandContext): number {
  const failed = agents.flatMap((agent) => {
    const why = failureOf(endings.get(agent));
    return why === undefined ? [] : [`${harmless(agent.name)}: ${why}`];
  });
  const good = agents.length - failed.length;
  const more = failed.length - MAX_NAMED;
  context.tell(`rexec: ${good} of ${agents.length} ended with 0\n`);
  for (const line of failed.slice(0, MAX_NAMED)) context.tell(`  ${line}\n`);
  if (more > 0) context.tell(`  and ${more} more\n`);
  if (context.signal.aborted) return EXIT.INTERRUPTED;
  if (failed.length === 0) return EXIT.OK;
  return good > 0 ? EXIT.PARTIAL : EXIT.ERROR;
}

function failureOf(ending: Ending | undefined): string | undefined {
  if (ending === undefined) return "not begun";
  if ("error" in ending) return ending.error.message;
  return ending.exitCode === 0 ? undefined : `exit code ${ending.exitCode}`;
}

interface AgentReport {
  output: RunOnAgent["onOutput"];
  end(ending: Ending): void;
}

/** For people: what comes, as it comes, by whole lines. */
class LineReport {
  readonly #writer: OrderedWriter;

  constructor(writer: OrderedWriter) {
    this.#writer = writer;
  }

  begin({ name }: Agent): AgentReport {
    const label = `${harmless(name)}: `;
    const lines = { stdout: new LabelledLines(label), stderr: new LabelledLines(label) };
    return {
      output: (output, bytes, consumed) => {
        const text = lines[output].take(bytes);
        // Who reads slowly paces the commands.
        if (text === "") consumed();
        else this.#writer.write(FILE_DESCRIPTORS[output], text, consumed);
      },
      end: () => {
        for (const output of ["stdout", "stderr"] as const)
          this.#writer.write(FILE_DESCRIPTORS[output], lines[output].end());
      },
    };
  }

  finish(): void {}
}

/** For programs: an object for each agent, as it ends (jsonl), or all of them at the end. */
class JsonReport {
  readonly #format: "json" | "jsonl";
  readonly #writer: OrderedWriter;
  readonly #all: Record<string, unknown>[] = [];

  constructor(format: "json" | "jsonl", writer: OrderedWriter) {
    this.#format = format;
    this.#writer = writer;
  }

  begin({ id, name }: Agent): AgentReport {
    const startedAtMs = performance.now();
    const gathered = { stdout: new Gathered(), stderr: new Gathered() };
    return {
      output(output, bytes, consumed) {
        gathered[output].push(bytes);
        consumed();
      },
      end: (ending) => {
        const object = {
          agent_id: id,
          agent: name,
          ...("error" in ending
            ? { error: { reason: ending.error.reason, message: ending.error.message } }
            : { exit_code: ending.exitCode }),
          stdout: gathered.stdout.text(),
          stderr: gathered.stderr.text(),
          truncated: gathered.stdout.isCut || gathered.stderr.isCut,
          duration_ms: Math.round(performance.now() - startedAtMs),
        };
        if (this.#format === "jsonl") this.#print(`${JSON.stringify(object)}\n`);
        else this.#all.push(object);
      },
    };
  }

  finish(): void {
    if (this.#format === "json") this.#print(`${JSON.stringify(this.#all, undefined, 2)}\n`);
  }

  #print(text: string): void {
    this.#writer.write(FILE_DESCRIPTORS.stdout, text);
  }
}

class Gathered {
  isCut = false;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  push(bytes: Uint8Array): void {
    const room = MAX_OUTPUT_BYTES - this.#bytes;
    if (bytes.length > room) this.isCut = true;
    this.#pieces.push(bytes.subarray(0, room));
    this.#bytes += Math.min(bytes.length, room);
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}
