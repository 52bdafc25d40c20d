// The agent, put together: a tunnel to the server, the terminals behind it, and what the machine says of itself.

import { randomBytes } from "node:crypto";
import type WebSocket from "ws";
import type { SystemInfo } from "../gen/rexec/agent/v1/machine.ts";
import type { AgentId, BootId } from "../protocol/ids.ts";
import { mapServerList, type ServerList } from "../protocol/server-list.ts";
import { readFileRoots, readShell, serverUrl } from "./config.ts";
import { ExecRunner } from "./exec.ts";
import { FileRoots } from "./files/file-roots.ts";
import { Link } from "./link.ts";
import type { Logger } from "./logger.ts";
import type { ShellCommand } from "./login-shell.ts";
import type { PtyFactory } from "./pty/pty.ts";
import { startRealPty } from "./pty/real-pty.ts";
import type { FrameSocket } from "./sender.ts";
import { runStatistics } from "./statistics.ts";
import { distro, readSystemInfo } from "./system-info.ts";
import { Terminals } from "./terminals.ts";
import { runTunnel, type TunnelEnd, type TunnelState, type TunnelTls } from "./tunnel.ts";

export interface AgentOptions {
  /** Base URLs: ws:, wss:, http: or https:. The next one is dialled where one is lost or does not answer. */
  servers: ServerList;
  agentId: AgentId;
  token: string;
  /** PEM: whom to trust in place of what the machine trusts, and a certificate for servers that ask for one. */
  tls?: TunnelTls;
  name?: string | undefined;
  version?: string;
  /** What a session runs; by default the user's login shell. */
  shell?: ShellCommand;
  /** Absolute paths: what can be reached by `rexec cp` is below them. By default "/". */
  fileRoots?: readonly string[] | undefined;
  logger: Logger;
  /** Another PTY than the operating system's, in tests and benches. */
  pty?: PtyFactory;
}

export type AgentState = TunnelState;

export interface RunningAgent {
  readonly state: AgentState;
  /** Calls back on every change; returns how to end that. */
  onState(listener: (state: AgentState) => void): () => void;
  /** Ends the shells and the connection. Resolves when all is gone. */
  stop(reason: string): Promise<void>;
  /** Resolves when the agent has stopped, or the server has refused it for good. */
  readonly done: Promise<{ reason: string }>;
}

export function startAgent(options: AgentOptions): RunningAgent {
  const { logger, agentId, token, version = "unknown", shell = readShell() } = options;
  const servers = mapServerList(options.servers, serverUrl);
  const bootId = randomBytes(16).toString("hex") as BootId;
  const terminals = new Terminals({
    startPty: options.pty ?? startRealPty,
    command: shell,
    files: new FileRoots(shell.cwd, options.fileRoots ?? readFileRoots()),
    logger,
  });
  const exec = new ExecRunner(shell);
  const stopping = new AbortController();
  const listeners = new Set<(state: AgentState) => void>();
  let state: AgentState = { kind: "connecting", server: servers[0] };
  const setState = (next: AgentState) => {
    if (next.kind !== state.kind) logger.info({ ...next }, `agent ${next.kind}`);
    state = next;
    for (const listener of [...listeners]) listener(next);
  };

  const onOpen = (socket: WebSocket): TunnelEnd => {
    let link: Link | undefined;
    const closed = new AbortController();
    const openLink = (systemInfo: SystemInfo) => {
      if (closed.signal.aborted) return;
      link = new Link({
        socket: frameSocket(socket),
        terminals,
        exec,
        logger,
        onWelcome: ({ connectionId }) =>
          setState({ kind: "connected", server: new URL(socket.url).origin, connectionId }),
      });
      link.hello({ bootId, version, systemInfo });
      runStatistics({ logger, onStats: (value) => link?.send({ $case: "stats", value }) }, closed.signal);
    };
    readSystemInfo()
      .then(openLink)
      .catch((error: unknown) => {
        logger.error({ err: error }, "the connection can't be used");
        socket.terminate();
      });
    return {
      // The server says nothing before our first frame.
      receive: (frame) => link?.receive(frame),
      close: () => {
        closed.abort();
        link?.close();
      },
    };
  };

  const headers = {
    "x-agent-name": headerText(options.name ?? ""),
    "x-agent-os": process.platform,
    "x-agent-arch": process.arch,
    "x-agent-shell": headerText(shell.file),
    "x-agent-distro": headerText(distro()),
    "x-rexec-boot-id": bootId,
  };
  let stopReason: string | undefined;
  const done = runTunnel(
    { logger, onOpen, onState: setState },
    { servers, agentId, token, tls: options.tls ?? {}, headers },
    stopping.signal,
  ).then(async (refusal) => {
    await terminals.stopAll("agent stopping");
    return { reason: refusal ?? stopReason ?? "stopped" };
  });

  return {
    get state() {
      return state;
    },
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop(reason) {
      stopReason ??= reason;
      await terminals.stopAll("agent stopping");
      stopping.abort();
      await done;
    },
    done,
  };
}

/** A header takes Latin-1 without controls; other characters are percent-encoded. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char.toWellFormed()));
}

function frameSocket(socket: WebSocket): FrameSocket {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (frame, onWritten) => socket.send(frame, onWritten),
    terminate: () => socket.terminate(),
  };
}
