// A WebSocket whose events may go to one object, as those of agents do. An idle server has ten thousand of them and little
// else: a function for each event of each of them, and what those see, would take more than the socket itself.

import { WebSocket } from "ws";
import type { OpenSocket } from "./open-socket.ts";

export interface SocketService {
  onMessage(data: Buffer, isBinary: boolean): void;
  onPong(): void;
  /** What went wrong shows in the close code, too: onClose always follows. */
  onError(error: Error): void;
  onClose(code: number): void;
}

export class ServedSocket extends WebSocket {
  /** By what right it is open; set at once. */
  open: OpenSocket | undefined;
  #service: SocketService | undefined;

  /** Once. `onClose` is left to the door, which hears of the close anyway. */
  serve(service: SocketService): void {
    this.#service = service;
    this.on("message", passMessage).on("pong", passPong).on("error", passError);
  }

  get service(): SocketService | undefined {
    return this.#service;
  }
}

function passMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  (this as ServedSocket).service?.onMessage(data as Buffer, isBinary);
}

function passPong(this: WebSocket): void {
  (this as ServedSocket).service?.onPong();
}

function passError(this: WebSocket, error: Error): void {
  (this as ServedSocket).service?.onError(error);
}
