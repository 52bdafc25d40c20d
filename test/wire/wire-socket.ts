// A bare WebSocket in a test: what came, in order, and waits for what is to come.

import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import {
  type ControlCase,
  type ControlMessage,
  type ControlOf,
  encodeControl,
} from "../../src/protocol/control-frame.ts";
import { decodeControl, type Sender } from "../../src/protocol/control-frame.ts";
import { type DataHeader, FRAME, frameBytes, readHeader } from "../../src/protocol/data-frame.ts";

export type Received =
  | { kind: "json"; json: { type: string; data?: unknown } }
  | { kind: "data"; header: DataHeader; bytes: Uint8Array }
  | { kind: "control"; message: ControlMessage };

export interface Refused {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

export interface DialOptions {
  protocols?: string[];
  headers?: Record<string, string>;
  /** Adds `authorization: Bearer`. */
  token?: string;
  /** Whose control frames come. */
  peer?: Sender;
}

const WAIT_MS = 8_000;

export class WireSocket {
  readonly socket: WebSocket;
  readonly received: Received[] = [];
  readonly closed: Promise<{ code: number; reason: string; atMs: number }>;
  pings = 0;
  #listeners = new Set<() => void>();
  #end: { code: number; reason: string } | undefined;

  private constructor(socket: WebSocket, peer: Sender) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        this.#tell();
        resolve({ ...this.#end, atMs: performance.now() });
      });
    });
    // `close` follows and says more.
    socket.on("error", () => {});
    socket.on("ping", () => {
      this.pings++;
      this.#tell();
    });
    socket.on("message", (data: Buffer, isBinary) => {
      this.received.push(read(data, isBinary, peer));
      this.#tell();
    });
  }

  /** Rejects with an Error that shows the status where the handshake is refused. */
  static async dial(url: string, options: DialOptions = {}): Promise<WireSocket> {
    const result = await dial(url, options);
    if (result instanceof WireSocket) return result;
    throw new Error(`refused: ${result.status} ${result.body}`);
  }

  /** The refusal; an Error where there is none. */
  static async refused(url: string, options: DialOptions = {}): Promise<Refused> {
    const result = await dial(url, options);
    if (!(result instanceof WireSocket)) return result;
    result.socket.terminate();
    throw new Error("not refused");
  }

  static wrap(socket: WebSocket, peer: Sender): WireSocket {
    return new WireSocket(socket, peer);
  }

  json(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  control(message: ControlMessage): void {
    this.socket.send(encodeControl(message));
  }

  close(code = 1000): Promise<unknown> {
    this.socket.close(code);
    return this.closed;
  }

  /** What `find` makes of everything received, as soon as that is something. */
  async until<T>(find: (received: readonly Received[]) => T | undefined | false, what = "a message"): Promise<T> {
    const deadline = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const found = find(this.received);
      if (found !== undefined && found !== false) return found;
      if (this.#end) throw new Error(`closed with ${this.#end.code} ${this.#end.reason} while waiting for ${what}`);
      if (deadline.aborted) throw new Error(`no ${what}; received ${JSON.stringify(this.received.slice(-8))}`);
      await this.#change(deadline);
    }
  }

  /** The `nth` JSON message of this type, from 1. */
  jsonOf(type: string, nth = 1): Promise<{ type: string; data?: unknown }> {
    return this.until((all) => this.#jsons(all, type)[nth - 1], `${type} (${nth})`);
  }

  /** The `nth` control message of this type, from 1. */
  async controlOf<C extends ControlCase>($case: C, nth = 1): Promise<ControlOf<C>> {
    const { value } = await this.until((all) => {
      const messages = all.filter((one) => one.kind === "control" && one.message.$case === $case);
      const found = messages[nth - 1];
      return found?.kind === "control" ? { value: found.message.value as ControlOf<C> } : undefined;
    }, `${$case} (${nth})`);
    return value;
  }

  /** Everything that a v1 user has been shown. */
  get text(): string {
    return this.#jsons(this.received, "output")
      .map(({ data }) => data as string)
      .join("");
  }

  sees(text: string): Promise<true> {
    return this.until(() => this.text.includes(text), JSON.stringify(text));
  }

  /** Resolves when the server has handled everything sent before: it answers pings in order. */
  async settled(): Promise<void> {
    const pong = once(this.socket, "pong", { signal: AbortSignal.timeout(WAIT_MS) });
    this.socket.ping();
    await pong;
  }

  #jsons(all: readonly Received[], type: string): { type: string; data?: unknown }[] {
    return all.flatMap((one) => (one.kind === "json" && one.json.type === type ? [one.json] : []));
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#listeners.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#listeners.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function dial(url: string, options: DialOptions): Promise<WireSocket | Refused> {
  const headers = { ...options.headers };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  const socket = new WebSocket(url, options.protocols ?? [], { headers, perMessageDeflate: false });
  const wire = WireSocket.wrap(socket, options.peer ?? "server");
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(wire));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        socket.terminate();
      });
    });
  });
}

function read(data: Buffer, isBinary: boolean, peer: Sender): Received {
  if (!isBinary) return { kind: "json", json: JSON.parse(data.toString()) as { type: string } };
  if (data[0] !== FRAME.CONTROL) return { kind: "data", header: readHeader(data), bytes: frameBytes(data) };
  const message = decodeControl(data, peer);
  if (!message) throw new Error("a control frame that its sender may not send");
  return { kind: "control", message };
}
