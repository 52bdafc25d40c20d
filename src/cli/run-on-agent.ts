// One program on one agent, from the first dial to its exit code; what it prints goes where the caller says.

import { randomUUID } from "node:crypto";
import { systemClock } from "../client/socket.ts";
import {
  type OutputName,
  type ProgramConnection,
  type ProgramOutcome,
  runProgram,
} from "../client/program-connection.ts";
import type { Program } from "../protocol/control-frame.ts";
import type { AgentId } from "../protocol/ids.ts";
import { mapServerList } from "../protocol/server-list.ts";
import { CliError } from "./cli-error.ts";
import { nodeSockets } from "./node-socket.ts";
import type { Target } from "./target.ts";

/** An agent forgets after 30 s that a program has ended: asking it again later could run it twice. */
const MAX_OPEN_MS = 25_000;

export interface RunOnAgent {
  target: Pick<Target, "servers" | "tls"> & { token: string };
  agentId: AgentId;
  program: Program;
  /** Until it is known to run. */
  openTimeoutMs: number;
  onOutput: (output: OutputName, bytes: Uint8Array, consumed: () => void) => void;
  /** Lost, back: for people. */
  onNotice?: (text: string) => void;
  onDrain?(): void;
  /** It can be written to and signalled. */
  onConnection?(connection: ProgramConnection): void;
}

/** The program's exit code. Throws CliError where it has none: what failed is ours, or the way there. */
export async function runOnAgent(run: RunOnAgent): Promise<number> {
  const { target, agentId, program, onOutput, onNotice } = run;
  let isOpen = false;
  let isTimedOut = false;
  let lastTrouble: string | undefined;
  const connection = runProgram({
    sockets: nodeSockets(target.token, target.tls),
    clock: systemClock,
    random: Math.random,
    urls: mapServerList(target.servers, (server) => server.replace(/^http/, "ws")),
    agentId,
    uuid: randomUUID(),
    program,
    onOutput,
    onEvent(event) {
      if (event.type === "opened") {
        isOpen = true;
        clearTimeout(openTimer);
        if (!event.isFirst) onNotice?.("reconnected");
      } else if (event.type === "lost") {
        lastTrouble = event.cause;
        if (isOpen) onNotice?.(`connection lost (${event.cause}); trying again`);
      } else if (event.type === "drain") run.onDrain?.();
      else if (event.type === "notice") lastTrouble = event.message;
    },
  });
  const openTimer = setTimeout(
    () => {
      isTimedOut = true;
      connection.close();
    },
    Math.min(run.openTimeoutMs, MAX_OPEN_MS),
  );
  run.onConnection?.(connection);
  const outcome = await connection.closed;
  clearTimeout(openTimer);
  if (isTimedOut)
    throw new CliError("TIMEOUT", {
      message: `nothing has begun on the agent through ${target.servers.join(", ")} in time`,
      why: lastTrouble,
      hint: "try again, or wait longer with --timeout",
    });
  return exitCodeOf(outcome);
}

function exitCodeOf(outcome: ProgramOutcome): number {
  switch (outcome.kind) {
    case "detached":
      throw new CliError("INTERRUPTED", { message: "left; the command is ended" });
    case "failed":
      throw new CliError(outcome.reason, { message: outcome.message });
    case "lost_output":
      throw new CliError("PROTOCOL", {
        message: "some of the command's output is lost, and the command is ended",
        why: "the connection was away for longer than the agent keeps it",
      });
    case "ended":
      return exitCodeOfEnd(outcome);
  }
}

/** "exit N" where the message itself was lost, and the connection's end told of it. */
function exitCodeOfEnd({ exitCode, reason }: { exitCode: number | undefined; reason: string }): number {
  const told = /^exit (\d{1,3})$/.exec(reason)?.[1];
  if (reason === "exited" && exitCode !== undefined) return exitCode;
  if (told !== undefined) return Number(told);
  if (reason === "timed out") throw new CliError("TIMEOUT", { message: "the command has reached its time limit" });
  if (reason === "stopped") throw new CliError("INTERRUPTED", { message: "somebody has ended the command" });
  throw new CliError("PROTOCOL", { message: `the command has ended: ${reason}` });
}
