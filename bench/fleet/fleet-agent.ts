// An agent without a machine behind it: says hello, answers pings, and dials again as a real one does.

import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import { decodeControl, encodeControl } from "../../src/protocol/control-frame.ts";
import { ServerTurns } from "../../src/protocol/server-turns.ts";
import type { FleetMember } from "./messages.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** As a real agent waits. */
const MAX_WAIT_MS = 30_000;

/** What its machine is; the same for all. */
const SYSTEM_INFO = {
  hostname: "fleet",
  os: "linux",
  arch: "x64",
  distro: "Debian GNU/Linux 13",
  cpuCount: 4,
  memoryTotalBytes: 8e9,
  memoryAvailableBytes: 4e9,
  memoryFreeBytes: 2e9,
  diskTotalBytes: 1e11,
  diskAvailableBytes: 5e10,
  diskFreeBytes: 5e10,
  region: "",
  virtualization: "",
  isRoot: false,
  hasSudo: false,
};

/** "refused": answered with plain HTTP. */
export type DialResult = "online" | { kind: "refused" | "failed"; why: string };

export class FleetAgent {
  readonly #member: FleetMember;
  readonly #bootId = randomBytes(16).toString("hex");
  readonly #turns: ServerTurns;
  /** Online with the server's welcome, else with the connection. */
  readonly #isWelcomed: boolean;
  #socket: WebSocket | undefined;
  #onLost: (() => void) | undefined;

  constructor(member: FleetMember, { isWelcomed }: { isWelcomed: boolean }) {
    this.#member = member;
    this.#turns = new ServerTurns({
      servers: [member.server],
      random: Math.random,
      now: () => performance.now(),
      maxWaitMs: MAX_WAIT_MS,
      stableAfterMs: MAX_WAIT_MS,
    });
    this.#isWelcomed = isWelcomed;
  }

  /** One attempt. */
  dial(): Promise<DialResult> {
    const { agentId, token } = this.#member;
    const { server } = this.#turns.next();
    const socket = new WebSocket(`${server}/ws/agent/${agentId}`, ["rexec.v2"], {
      headers: { authorization: `Bearer ${token}`, "x-agent-os": "linux", "x-rexec-boot-id": this.#bootId },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#socket = socket;
    return new Promise((resolve) => {
      let isOnline = false;
      let why = "closed";
      const online = () => {
        isOnline = true;
        resolve("online");
      };
      socket.on("open", () => {
        if (!this.#isWelcomed) return online();
        const value = { bootId: this.#bootId, version: "0.0.0", systemInfo: SYSTEM_INFO, sessions: [] };
        socket.send(encodeControl({ $case: "agentHello", value }));
      });
      socket.on("message", (data: Buffer) => {
        if (!isOnline && decodeControl(data, "server")?.$case === "welcome") online();
      });
      socket.on("unexpected-response", (request, response) => {
        resolve({ kind: "refused", why: `HTTP ${response.statusCode}` });
        request.destroy();
      });
      socket.on("error", (error) => {
        why = error.message;
      });
      socket.on("close", (code) => {
        resolve({ kind: "failed", why: code === 1006 ? why : `closed with ${code}` });
        if (this.#socket === socket) this.#onLost?.();
      });
    });
  }

  /** A load that is another one each time. */
  report(): void {
    const value = {
      measuredAt: new Date(),
      cpuPercent: Math.random() * 100,
      memoryUsedBytes: Math.round(Math.random() * SYSTEM_INFO.memoryTotalBytes),
      memoryTotalBytes: SYSTEM_INFO.memoryTotalBytes,
      diskUsedBytes: SYSTEM_INFO.diskTotalBytes - SYSTEM_INFO.diskAvailableBytes,
      diskTotalBytes: SYSTEM_INFO.diskTotalBytes,
    };
    this.#socket?.send(encodeControl({ $case: "stats", value }));
  }

  /** Resolves when the connection is gone; at once where it has gone already. */
  lost(): Promise<void> {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onLost = resolve;
    });
  }

  /** Milliseconds until the next attempt. */
  nextDelayMs(): number {
    return this.#turns.ended({ openMs: 0 });
  }

  /** Nobody is told. */
  cut(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }
}
