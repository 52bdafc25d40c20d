// What commands that go to an agent without a terminal have in common: the dial, its time-out, and how its end is told.

import { randomUUID } from "node:crypto";
import type { PieceConnectionOptions, PieceOutcome } from "../client/piece-connection.ts";
import { systemClock } from "../client/socket.ts";
import type { AgentId } from "../protocol/ids.ts";
import { mapServerList } from "../protocol/server-list.ts";
import { CliError, type CliReason } from "./cli-error.ts";
import { nodeSockets } from "./node-socket.ts";
import type { Target } from "./target.ts";

/** An agent forgets after 30 s that a program has ended: asking it again later could run it twice. */
const MAX_OPEN_MS = 25_000;

export interface AgentDial {
  target: Pick<Target, "servers" | "tls"> & { token: string };
  agentId: AgentId;
  /** Until it is known to run. */
  openTimeoutMs: number;
  /** Lost, back: for people. */
  onNotice?: (text: string) => void;
  onDrain?: () => void;
}

export class AgentConnection {
  /** For whoever opens it; `close` belongs to what comes of it. */
  readonly options: Omit<PieceConnectionOptions, "onPiece" | "program">;
  readonly #dial: AgentDial;
  readonly #timer: NodeJS.Timeout;
  #isOpen = false;
  #isTimedOut = false;
  #lastTrouble: string | undefined;

  constructor(dial: AgentDial, close: () => void) {
    this.#dial = dial;
    const { target, agentId } = dial;
    this.options = {
      sockets: nodeSockets(target.token, target.tls),
      clock: systemClock,
      random: Math.random,
      urls: mapServerList(target.servers, (server) => server.replace(/^http/, "ws")),
      agentId,
      uuid: randomUUID(),
      onEvent: (event) => this.#onEvent(event),
    };
    this.#timer = setTimeout(
      () => {
        this.#isTimedOut = true;
        close();
      },
      Math.min(dial.openTimeoutMs, MAX_OPEN_MS),
    );
  }

  /** It has ended. The exit code of what ran; throws CliError where there is none: what failed is ours, or the way there. */
  exitCodeOf(outcome: PieceOutcome): number {
    clearTimeout(this.#timer);
    if (this.#isTimedOut)
      throw new CliError("TIMEOUT", {
        message: `nothing has begun on the agent through ${this.#dial.target.servers.join(", ")} in time`,
        why: this.#lastTrouble,
        hint: "try again, or wait longer with --timeout",
      });
    return exitCodeOf(outcome);
  }

  #onEvent(event: Parameters<PieceConnectionOptions["onEvent"]>[0]): void {
    const { onNotice, onDrain } = this.#dial;
    switch (event.type) {
      case "opened":
        this.#isOpen = true;
        clearTimeout(this.#timer);
        if (!event.isFirst) onNotice?.("reconnected");
        return;
      case "lost":
        this.#lastTrouble = event.cause;
        if (this.#isOpen) onNotice?.(`connection lost (${event.cause}); trying again`);
        return;
      case "notice":
        this.#lastTrouble = event.message;
        return;
      case "drain":
        return onDrain?.();
      default:
    }
  }
}

/** What peers that know shells alone answer. */
const OLDER: Readonly<Partial<Record<CliReason, string>>> = {
  INVALID_ARGUMENT: "the agent may be of an older version: `rexec agents get AGENT` shows it",
  UNIMPLEMENTED: "the agent speaks rexec.v1, which has terminals alone: install ours on its machine",
  SESSION_NOT_FOUND: "the server may be of an older version: `rexec instances ls` shows it to admins",
};

function exitCodeOf(outcome: PieceOutcome): number {
  switch (outcome.kind) {
    case "detached":
      throw new CliError("INTERRUPTED", { message: "interrupted; what ran on the agent is ended" });
    case "failed":
      throw new CliError(outcome.reason, { message: outcome.message, hint: OLDER[outcome.reason] });
    case "lost_output":
      throw new CliError("PROTOCOL", {
        message: "some of what the agent sent is lost, and what ran there is ended",
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
  throw new CliError("PROTOCOL", { message: `what ran on the agent has ended: ${reason}` });
}
