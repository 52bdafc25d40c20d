// One terminal of an agent on this one, from raw mode to the exit code.

import { constants } from "node:os";
import { systemClock } from "../client/socket.ts";
import { openTerminal } from "../client/terminal-connection.ts";
import type { TerminalOutcome } from "../client/terminal-events.ts";
import type { OpenTerminalOptions, TerminalConnection } from "../client/terminal-options.ts";
import type { AgentId } from "../protocol/ids.ts";
import { SCROLLBACK_LINES } from "../protocol/limits.ts";
import { mapServerList, type ServerList } from "../protocol/server-list.ts";
import { AttachedScreen } from "./attached-screen.ts";
import type { ClientTls } from "./client-tls.ts";
import { CliError, EXIT, nobodyReads } from "./cli-error.ts";
import { splitAtDetach } from "./detach-key.ts";
import { LocalTerminal } from "./local-terminal.ts";
import { nodeSockets } from "./node-socket.ts";
import { OrderedWriter } from "./ordered-writer.ts";

export interface AttachOptions {
  /** HTTP origins. */
  servers: ServerList;
  token: string;
  tls?: ClientTls | undefined;
  agentId: AgentId;
  target: OpenTerminalOptions["target"];
  readOnly: boolean;
  /** Wait for an agent that is offline, and for a server that can't be reached. */
  waitForAgent: boolean;
  /** Until it is open, where nothing is waited for. */
  openTimeoutMs: number;
  isQuiet: boolean;
  /** Aborted: a signal had come before this began. */
  signal: AbortSignal;
}

export type AttachResult = { kind: "detached" } | { kind: "ended"; exitCode: number; reason: string };

const SIGNALS = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const;
/** A terminal that takes no more is not waited for. */
const FLUSH_TIMEOUT_MS = 2000;
const CTRL_C = 0x03;
const ESC = 0x1b;

type End =
  | TerminalOutcome
  | { kind: "signal"; signal: (typeof SIGNALS)[number] }
  /** Nobody reads our output any more. */
  | { kind: "broken"; cause: NodeJS.ErrnoException }
  | { kind: "timeout" };

/** Throws CliError with exit code 255, or 128 + a signal's number. The terminal is as it was found in every case. */
export async function attachTerminal(options: AttachOptions): Promise<AttachResult> {
  const local = new LocalTerminal();
  const ending = Promise.withResolvers<End>();
  const cleanups: (() => void)[] = [];
  let isOpen = false;
  const writer = new OrderedWriter((cause) => ending.resolve({ kind: "broken", cause }));
  const screen = new AttachedScreen({
    local,
    writer,
    isQuiet: options.isQuiet,
    isPatient: options.waitForAgent,
    redraw: () => nudge(terminal, local),
    onOpened() {
      isOpen = true;
      clearTimeout(openTimer);
    },
    onDrain: () => process.stdin.resume(),
  });
  for (const signal of SIGNALS) {
    const onSignal = (): void => ending.resolve({ kind: "signal", signal });
    process.on(signal, onSignal);
    cleanups.push(() => process.off(signal, onSignal));
  }
  if (options.signal.aborted) ending.resolve({ kind: "signal", signal: "SIGINT" });
  local.enterRaw();
  const terminal = openTerminal({
    sockets: nodeSockets(options.token, options.tls),
    clock: systemClock,
    random: Math.random,
    urls: mapServerList(options.servers, (server) => server.replace(/^http/, "ws")),
    agentId: options.agentId,
    target: options.target,
    readOnly: options.readOnly,
    size: local.size,
    scrollbackLines: SCROLLBACK_LINES,
    waitForAgent: options.waitForAgent,
    consumer: screen,
  });
  const openTimer = options.waitForAgent
    ? undefined
    : setTimeout(() => ending.resolve({ kind: "timeout" }), options.openTimeoutMs);
  cleanups.push(() => clearTimeout(openTimer));
  cleanups.push(local.onResize((size) => terminal.resize(size)));
  cleanups.push(
    readKeys(terminal, local, (bytes) => {
      // In raw mode Ctrl-C is a byte. Until there is a shell that it could be for, it is for us.
      if (!isOpen && bytes.includes(CTRL_C)) ending.resolve({ kind: "signal", signal: "SIGINT" });
      // Answers of the terminal to a program's questions begin with ESC: nobody typed them.
      if (bytes[0] !== ESC) screen.typed();
    }),
  );
  try {
    const end = await Promise.race([terminal.closed, ending.promise]);
    if (end.kind === "ended") await writer.flushed(FLUSH_TIMEOUT_MS);
    return resultOf(end, screen, options);
  } finally {
    for (const cleanup of cleanups) cleanup();
    terminal.close();
    screen.close();
    await writer.abandon(FLUSH_TIMEOUT_MS);
    local.restore();
  }
}

/** Returns what ends it. */
function readKeys(terminal: TerminalConnection, local: LocalTerminal, onKeys: (bytes: Uint8Array) => void): () => void {
  const { stdin } = process;
  const onData = (bytes: Buffer): void => {
    // From a file or a pipe every byte is input; only a key can mean to leave.
    const { before, isDetach } = local.hasKeys ? splitAtDetach(bytes) : { before: bytes, isDetach: false };
    if (local.hasKeys && before.length > 0) onKeys(before);
    if (before.length > 0 && !terminal.write(before)) stdin.pause();
    if (isDetach) terminal.close();
  };
  // A terminal that is gone sends SIGHUP as well; an unreadable file is an empty one.
  const onError = (): void => {};
  stdin.on("data", onData);
  stdin.on("error", onError);
  // Whoever read it before may have stopped it and let go of it.
  stdin.ref?.();
  stdin.resume();
  return () => {
    stdin.off("data", onData);
    stdin.pause();
    stdin.unref?.();
  };
}

/** A program redraws its screen when its window changes. */
function nudge(terminal: TerminalConnection, local: LocalTerminal): void {
  const { cols, rows } = local.size;
  if (rows < 2) return;
  terminal.resize({ cols, rows: rows - 1 });
  terminal.resize({ cols, rows });
}

function resultOf(end: End, screen: AttachedScreen, { servers }: AttachOptions): AttachResult {
  const exitCode = EXIT.ATTACH_FAILED;
  switch (end.kind) {
    case "detached":
      return { kind: "detached" };
    case "ended":
      return { kind: "ended", exitCode: exitCodeOf(end), reason: end.reason };
    case "failed":
      throw new CliError(end.reason, { message: end.message }, { exitCode });
    case "signal":
      throw new CliError(
        "INTERRUPTED",
        { message: `ended by ${end.signal}` },
        { exitCode: 128 + constants.signals[end.signal] },
      );
    case "broken":
      throw nobodyReads(end.cause).withExitCode(exitCode);
    case "timeout": {
      const why = screen.lastTrouble;
      throw new CliError(
        "TIMEOUT",
        {
          message: `no terminal from ${servers.join(", ")} in time`,
          why,
          hint: "try again, or wait longer with --timeout",
        },
        { exitCode },
      );
    }
  }
}

/** The close reason says "exit N" where the message itself was lost. */
function exitCodeOf({ exitCode, reason }: { exitCode: number | undefined; reason: string }): number {
  return exitCode ?? Number(/^exit (\d{1,3})$/.exec(reason)?.[1] ?? EXIT.ATTACH_FAILED);
}
