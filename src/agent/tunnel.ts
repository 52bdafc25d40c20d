// The agent's one WebSocket to one of its servers: dials, watches over it, and dials the next for ever.

import WebSocket from "ws";
import type { ErrorReason } from "../protocol/errors.ts";
import { CLOSE } from "../protocol/errors.ts";
import { MAX_FRAGMENTS, MAX_MESSAGE_BYTES, OFFLINE_AFTER_MS } from "../protocol/limits.ts";
import type { ServerList } from "../protocol/server-list.ts";
import { ServerTurns, type Turn } from "../protocol/server-turns.ts";
import { finalClose, finalRefusal, readBody } from "./handshake-refusal.ts";
import type { Logger } from "./logger.ts";

/**
 * A connection that lasted this long was a good one, and the waits begin anew; as with viewers. With 30 s, instances that
 * were killed one after the other kept an agent waiting for up to 23 s, though others were there.
 */
const STABLE_AFTER_MS = 5_000;
const MAX_WAIT_MS = 30_000;
/** A proxy's answer, or a server's of ours that drains or lacks its database: another one may be better off. */
const SERVICE_UNAVAILABLE = 503;
const WATCH_INTERVAL_MS = 5_000;
/** The closing handshake; after it the connection is cut. */
const CLOSE_TIMEOUT_MS = 1_000;

export type TunnelState =
  /** Dialling, or waiting for the answer to the first frame. */
  | { kind: "connecting"; server: string }
  /** The server has welcomed us. */
  | { kind: "connected"; server: string; connectionId: string }
  /** Between two attempts. */
  | { kind: "waiting"; retryInMs: number; why: string }
  /** The server will never have us. */
  | { kind: "refused"; reason: ErrorReason }
  | { kind: "stopped" };

export interface TunnelDeps {
  logger: Logger;
  /** The connection is open. What it returns gets the server's frames, and hears of the end. */
  onOpen(socket: WebSocket): TunnelEnd;
  onState(state: TunnelState): void;
}

export interface TunnelEnd {
  /** Throws FrameError where the frame is none: the connection is closed. */
  receive(frame: Uint8Array): void;
  close(): void;
}

/** PEM. */
export interface TunnelTls {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

export interface TunnelOptions {
  /** Base URLs, ws: or wss:. */
  servers: ServerList;
  agentId: string;
  token: string;
  tls?: TunnelTls;
  headers: Readonly<Record<string, string>>;
}

/** Dials until `signal` aborts or the server's refusal is final; the reason is returned then. */
export async function runTunnel(
  deps: TunnelDeps,
  options: TunnelOptions,
  signal: AbortSignal,
): Promise<ErrorReason | undefined> {
  const turns = new ServerTurns({
    servers: options.servers,
    random: Math.random,
    now: () => performance.now(),
    maxWaitMs: MAX_WAIT_MS,
    stableAfterMs: STABLE_AFTER_MS,
  });
  while (!signal.aborted) {
    const turn = turns.next();
    deps.onState({ kind: "connecting", server: turn.server });
    const end = await dialOnce(deps, { ...options, ...turn }, signal);
    if (signal.aborted) break;
    if (end.final !== undefined) {
      deps.onState({ kind: "refused", reason: end.final });
      return end.final;
    }
    const retryInMs = turns.ended(end);
    deps.onState({ kind: "waiting", retryInMs, why: end.why });
    await sleep(retryInMs, signal);
  }
  deps.onState({ kind: "stopped" });
  return undefined;
}

interface ConnectionEnd {
  why: string;
  /** 0: it never was. */
  openMs: number;
  isDraining: boolean;
  final?: ErrorReason | undefined;
}

interface Dial extends TunnelOptions, Turn {}

/** One connection from its first packet to its last. Never rejects. */
function dialOnce(deps: TunnelDeps, dial: Dial, signal: AbortSignal): Promise<ConnectionEnd> {
  const { promise, resolve } = Promise.withResolvers<ConnectionEnd>();
  const socket = new WebSocket(`${dial.server.replace(/\/+$/, "")}/ws/agent/${dial.agentId}`, ["rexec.v2"], {
    ...dial.tls,
    headers: { ...dial.headers, authorization: `Bearer ${dial.token}` },
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    handshakeTimeout: dial.connectTimeoutMs,
    followRedirects: false,
    ...(isSeenByNobody(dial.server) ? { generateMask: zeroMask } : {}),
  });
  let end: TunnelEnd | undefined;
  let refusal: ConnectionEnd | undefined;
  let failure = "closed";
  let openedAtMs: number | undefined;
  let lastSeenMs = performance.now();
  const watch = setInterval(() => {
    if (performance.now() - lastSeenMs <= OFFLINE_AFTER_MS) return;
    failure = "the server is silent";
    socket.terminate();
  }, WATCH_INTERVAL_MS);
  let closeTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    socket.close(CLOSE.GOING_AWAY, "agent stopping");
    closeTimer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  socket.on("open", () => {
    lastSeenMs = openedAtMs = performance.now();
    end = deps.onOpen(socket);
  });
  socket.on("ping", () => {
    lastSeenMs = performance.now();
  });
  socket.on("message", (data: Buffer, isBinary) => {
    lastSeenMs = performance.now();
    if (!isBinary) return socket.close(CLOSE.UNSUPPORTED, "text frame");
    try {
      end?.receive(data);
    } catch (error) {
      deps.logger.error({ err: error }, "bad frame from the server");
      socket.close(CLOSE.INVALID_DATA, "bad frame");
    }
  });
  socket.on("unexpected-response", (request, response) => {
    const status = response.statusCode ?? 0;
    void readBody(response).then((body) => {
      const isDraining = status === SERVICE_UNAVAILABLE;
      refusal = { why: `HTTP ${status}`, openMs: 0, isDraining, final: finalRefusal(status, body) };
      request.destroy();
      socket.terminate();
    });
  });
  socket.on("error", (error) => {
    failure = error.message;
  });
  socket.on("close", (code, reason) => {
    clearInterval(watch);
    clearTimeout(closeTimer);
    signal.removeEventListener("abort", stop);
    end?.close();
    const why = code === 1006 ? failure : `closed with ${code} ${reason.toString("utf8")}`.trim();
    const openMs = openedAtMs === undefined ? 0 : performance.now() - openedAtMs;
    resolve(refusal ?? { why, openMs, isDraining: code === CLOSE.RESTART, final: finalClose(code) });
  });
  return promise;
}

/**
 * Masking keeps what is sent from looking like HTTP to a proxy that reads along (RFC 6455, 10.3). Within TLS or this
 * machine nobody reads along, and the mask, made and undone byte by byte in JavaScript, costs more than sending does:
 * docs/decisions/0006-zero-mask.md.
 */
function isSeenByNobody(server: string): boolean {
  const { protocol, hostname } = new URL(server);
  return (
    protocol === "wss:" || hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

/** The frame says that it is masked, as a client's must; with this key it stays as it is. */
function zeroMask(mask: Uint8Array): void {
  mask.fill(0);
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
