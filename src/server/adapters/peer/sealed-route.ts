// A route over one WebSocket between two instances: TCP keeps order and completeness, the seal keeps everybody else out.

import type { WebSocket } from "ws";
import type { InstanceId } from "../../../protocol/ids.ts";
import { type Route, ROUTE_WINDOW_BYTES, type RouteEvents } from "../../domain/terminals/routes.ts";
import { youngGarbage } from "../../../runtime/young-garbage.ts";
import type { RouteKeys } from "./peer-handshake.ts";

const PING_EVERY_MS = 5_000;
/** An instance that does not answer for so long is not there. */
const SILENT_AFTER_MS = 15_000;
/** Whoever takes nothing at all is cut off: what was asked for again may lie above the window. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
const BINARY = { binary: true };

export class SealedRoute implements Route {
  readonly path = "direct";
  readonly peer: InstanceId;
  /** Set before anything can come. */
  events: RouteEvents | undefined;
  readonly #socket: WebSocket;
  readonly #keys: RouteKeys;
  #sent = 0;
  #received = 0;
  #wasFull = false;
  #heardAtMs = performance.now();

  constructor(socket: WebSocket, keys: RouteKeys, peer: InstanceId) {
    this.#socket = socket;
    this.#keys = keys;
    this.peer = peer;
    const timer = setInterval(() => this.#watch(), PING_EVERY_MS);
    socket.on("pong", () => {
      this.#heardAtMs = performance.now();
    });
    socket.on("message", (data: Buffer, isBinary) => this.#onMessage(data, isBinary));
    // What went wrong shows in the end, which always follows.
    socket.on("error", () => {});
    socket.once("close", () => {
      clearInterval(timer);
      this.events?.onEnd();
    });
  }

  get isFull(): boolean {
    const isFull = this.#socket.bufferedAmount > ROUTE_WINDOW_BYTES;
    if (isFull) this.#wasFull = true;
    return isFull;
  }

  send(frame: Uint8Array): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) return socket.terminate();
    // Ciphertext and message.
    youngGarbage.made(2 * frame.length);
    socket.send(this.#keys.sealer.seal(this.#sent++, [frame]), BINARY, () => this.#onWritten());
  }

  close(): void {
    this.#socket.terminate();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#heardAtMs = performance.now();
    const frame = isBinary ? this.#keys.opener.open(this.#received++, data) : undefined;
    if (frame === undefined) return this.close();
    this.events?.onFrame(frame);
    // What was read of the socket, the message, and what it holds.
    youngGarbage.made(3 * data.length);
  }

  #onWritten(): void {
    if (!this.#wasFull || this.#socket.bufferedAmount > ROUTE_WINDOW_BYTES / 2) return;
    this.#wasFull = false;
    this.events?.onRoom();
  }

  #watch(): void {
    if (performance.now() - this.#heardAtMs > SILENT_AFTER_MS) this.close();
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }
}
