// A peer that speaks WebSocket as it pleases: it answers no close frame and no ping, and sends any bytes at all.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RawPeer {
  readonly socket: Socket;
  /** When the last bytes came, on performance.now()'s clock. */
  lastByteAtMs = 0;
  bytesReceived = 0;
  /** The server has ended the connection: this side may be open still. */
  readonly closed: Promise<{ atMs: number }>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      const onGone = () => resolve({ atMs: performance.now() });
      socket.on("end", onGone);
      socket.on("close", onGone);
    });
    // `close` follows.
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      this.lastByteAtMs = performance.now();
      this.bytesReceived += bytes.length;
    });
  }

  /** After the handshake; an Error where it is refused. */
  static async dial(port: number, path: string, options: { token: string; protocol?: string }): Promise<RawPeer> {
    const peer = new RawPeer(connect({ host: "127.0.0.1", port, allowHalfOpen: true }));
    const lines = [
      `GET ${path} HTTP/1.1`,
      "Host: 127.0.0.1",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      `Authorization: Bearer ${options.token}`,
      ...(options.protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${options.protocol}`]),
    ];
    peer.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const [answer] = (await once(peer.socket, "data")) as [Buffer];
    if (!answer.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error(answer.toString("latin1"));
    return peer;
  }

  /** One whole frame of less than 64 KiB. */
  send(opcode: "text" | "binary", bytes: Uint8Array): void {
    const mask = randomBytes(4);
    const head = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 0xff];
    const first = 0x80 | (opcode === "text" ? 1 : 2);
    const masked = bytes.map((byte, i) => byte ^ mask[i % 4]!);
    this.socket.write(Buffer.concat([Uint8Array.from([first, ...head]), mask, masked]));
  }
}
