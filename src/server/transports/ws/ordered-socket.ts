// One WebSocket with its bounds: everything goes out in the order given, and a peer that takes nothing is cut off.

import type { WebSocket } from "ws";
import { CLOSE } from "../../../protocol/errors.ts";
import { MAX_SEND_QUEUE_BYTES, MAX_UNKNOWN_MESSAGES } from "../../../protocol/limits.ts";

/** A peer that does not answer the closing handshake is cut off after this: a revoked one has 2 s in all. */
const CLOSE_TIMEOUT_MS = 1_000;

export class OrderedSocket {
  readonly #socket: WebSocket;
  #unknownMessages = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Bytes accepted here that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** `onWritten` runs when the kernel has taken the frame. */
  sendBinary(frame: Uint8Array, onWritten?: () => void): void {
    if (this.#hasRoom()) this.#socket.send(frame, BINARY, onWritten && ((error) => error ?? onWritten()));
  }

  sendText(text: string, onWritten?: () => void): void {
    if (this.#hasRoom()) this.#socket.send(text, TEXT, onWritten && ((error) => error ?? onWritten()));
  }

  ping(): void {
    if (this.#hasRoom()) this.#socket.ping();
  }

  /** Resolves true at the next pong, false after `timeoutMs` or where the socket closes first. */
  probe(timeoutMs: number): Promise<boolean> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (alive: boolean) => {
        clearTimeout(timer);
        socket.off("pong", onPong);
        socket.off("close", onClose);
        resolve(alive);
      };
      const onPong = () => finish(true);
      const onClose = () => finish(false);
      const timer = setTimeout(finish, timeoutMs, false);
      socket.on("pong", onPong);
      socket.on("close", onClose);
      socket.ping();
    });
  }

  /** An unknown message type has come: ten of them end the connection. False once it has ended. */
  tolerateUnknown(): boolean {
    if (++this.#unknownMessages < MAX_UNKNOWN_MESSAGES) return true;
    this.close(CLOSE.UNSUPPORTED, "unknown message types");
    return false;
  }

  close(code: number, reason: string): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    socket.close(code, reason);
    const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #hasRoom(): boolean {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return false;
    if (socket.bufferedAmount <= MAX_SEND_QUEUE_BYTES) return true;
    // Flow control keeps an honest peer far below: this one reads nothing at all.
    socket.terminate();
    return false;
  }
}

const BINARY = { binary: true };
const TEXT = { binary: false };
