// The server's part of rexec.v2, as far as a test of the agent needs it: one agent at a time, frames in the order they came.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import {
  type ControlCase,
  type ControlMessage,
  type ControlOf,
  decodeControl,
  encodeControl,
} from "../../src/protocol/control-frame.ts";
import { type DataHeader, encodeDataFrame, FRAME, frameBytes, readHeader } from "../../src/protocol/data-frame.ts";
import { ACK_EVERY_BYTES } from "../../src/protocol/limits.ts";

export type Received = { control: ControlMessage } | { data: DataHeader; bytes: Buffer };

/** More than come in the moment between a viewer's "attached" and its listening. */
const MAX_RECENT_FRAMES = 64;

export class StreamServer {
  readonly #wss: WebSocketServer;
  socket: WebSocket | undefined;
  headers: Record<string, string | string[] | undefined> = {};
  connections = 0;
  /** What came and was not waited for yet. */
  #inbox: Received[] = [];
  /** The last frames, whoever took them: a second viewer on a shell may begin at one that the first has had. */
  readonly #recent: Received[] = [];
  readonly #waiting = new Set<() => void>();
  #requests = 0;
  /** Sees every frame first; "taken" keeps it out of the inbox. */
  onFrame: ((received: Received) => "taken" | "left") | undefined;

  private constructor(wss: WebSocketServer) {
    this.#wss = wss;
    wss.on("connection", (socket, request) => {
      this.connections += 1;
      this.socket = socket;
      this.headers = request.headers;
      socket.on("message", (data: Buffer) => this.#onMessage(data));
    });
  }

  static async start(): Promise<StreamServer> {
    const wss = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      perMessageDeflate: false,
      handleProtocols: () => "rexec.v2",
    });
    await once(wss, "listening");
    return new StreamServer(wss);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#wss.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const client of this.#wss.clients) client.terminate();
    this.#wss.close();
    await once(this.#wss, "close");
  }

  /** Waits for the agent's first frame and answers it. */
  async welcome(): Promise<ControlOf<"agentHello">> {
    const hello = await this.control("agentHello");
    this.send({ $case: "welcome", value: { connectionId: "c1", epoch: 1, serverVersion: "test" } });
    return hello;
  }

  send(message: ControlMessage): void {
    this.socket?.send(encodeControl(message));
  }

  /** Sends an attach and waits for its answer. */
  async attach(request: Partial<ControlOf<"attach">> & { key?: number } = {}): Promise<ControlOf<"attached">> {
    const answer = await this.tryAttach(request);
    if (answer.$case !== "attached") throw new Error(`refused: ${JSON.stringify(answer.value)}`);
    return answer.value;
  }

  async tryAttach(request: Partial<ControlOf<"attach">> & { key?: number } = {}): Promise<ControlMessage> {
    const { key = 1, ...rest } = request;
    const requestId = ++this.#requests;
    const value = {
      requestId,
      attachmentKey: Buffer.alloc(16, key),
      userId: "u1",
      sessionId: "main",
      create: true,
      resumeStream: 0,
      cols: 80,
      rows: 24,
      readOnly: false,
      program: undefined,
      ...rest,
    };
    this.send({ $case: "attach", value });
    const received = await this.next((one) => {
      if (!("control" in one)) return false;
      const { control } = one;
      return (
        (control.$case === "attached" || control.$case === "attachRefused") && control.value.requestId === requestId
      );
    });
    return (received as { control: ControlMessage }).control;
  }

  type(attached: { stream: number; attachment: number }, offset: number, text: string | Uint8Array): void {
    this.socket?.send(
      encodeDataFrame(
        { type: FRAME.INPUT, stream: attached.stream, attachment: attached.attachment, offset },
        Buffer.from(text),
      ),
    );
  }

  ack(attached: { stream: number; attachment: number }, offset: number): void {
    this.socket?.send(
      encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream: attached.stream, attachment: attached.attachment, offset }),
    );
  }

  /** Offers the last frames and what waits in the inbox, in their order; a frame may be offered twice. */
  offer(take: (received: Received) => "taken" | "left"): void {
    for (const received of this.#recent) take(received);
    this.#inbox = this.#inbox.filter((received) => take(received) === "left");
  }

  async control<C extends ControlCase>($case: C): Promise<ControlOf<C>> {
    const received = await this.next((one) => "control" in one && one.control.$case === $case);
    return (received as unknown as { control: { value: ControlOf<C> } }).control.value;
  }

  /** The first frame that fits, in the order of arrival; it is taken out of the inbox. */
  async next(fits: (received: Received) => boolean, timeoutMs = 20_000): Promise<Received> {
    const deadline = Date.now() + timeoutMs;
    while (true) {
      const index = this.#inbox.findIndex(fits);
      if (index >= 0) return this.#inbox.splice(index, 1)[0]!;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`nothing that fits came; waiting: ${this.#inbox.map(describe).join(" ")}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  #onMessage(data: Buffer): void {
    const received: Received =
      data[0] === FRAME.CONTROL
        ? { control: decodeControl(data, "agent")! }
        : { data: readHeader(data), bytes: frameBytes(data) as Buffer };
    this.#recent.push(received);
    if (this.#recent.length > MAX_RECENT_FRAMES) this.#recent.shift();
    if (this.onFrame?.(received) === "taken") return;
    this.#inbox.push(received);
    for (const wake of [...this.#waiting]) wake();
  }
}

/** One viewer: consumes output, checks its offsets, acknowledges. */
export class Viewer {
  readonly server: StreamServer;
  attached: ControlOf<"attached">;
  /** Consumed up to here. */
  offset: number;
  text = "";
  inputOffset: number;
  /** Another consumer than `text`. */
  onBytes: ((bytes: Buffer) => void) | undefined;
  acks: "on" | "off" = "on";
  #acked = 0;
  #wake: (() => void) | undefined;

  constructor(server: StreamServer, attached: ControlOf<"attached">) {
    this.server = server;
    this.attached = attached;
    this.offset = attached.outputOffset;
    this.#acked = attached.outputOffset;
    this.inputOffset = attached.inputOffset;
  }

  /** Attaches and takes the session's output from now on, for itself alone. */
  static async open(server: StreamServer, request: Parameters<StreamServer["attach"]>[0] = {}): Promise<Viewer> {
    const viewer = new Viewer(server, await server.attach(request));
    viewer.listen();
    return viewer;
  }

  /** Runs a command and waits for the prompt after it. */
  async run(command: string): Promise<void> {
    this.text = "";
    this.type(`${command}; echo do''ne\r`);
    await this.until(() => /done\r?\n/.test(this.text));
  }

  /** Takes the frames that are for it out of the server's inbox, those since it was attached included. */
  listen(): void {
    const take = this.server.onFrame;
    this.server.onFrame = (received) => {
      const before = take?.(received) ?? "left";
      return this.take(received) === "taken" ? "taken" : before;
    };
    this.server.offer((received) => this.take(received));
  }

  take(received: Received): "taken" | "left" {
    if (!("data" in received) || received.data.type !== FRAME.OUTPUT || received.data.stream !== this.attached.stream)
      return "left";
    if (received.data.attachment !== 0 && received.data.attachment !== this.attached.attachment) return "left";
    const known = this.offset - received.data.offset;
    if (known < 0) return "left";
    if (known < received.bytes.length) this.consume(received.bytes.subarray(known));
    return "taken";
  }

  consume(bytes: Buffer): void {
    this.offset += bytes.length;
    if (this.onBytes === undefined) this.text += bytes.toString("latin1");
    else this.onBytes(bytes);
    if (this.acks === "on" && this.offset - this.#acked >= ACK_EVERY_BYTES) this.ack();
    this.#wake?.();
  }

  ack(): void {
    this.#acked = this.offset;
    this.server.ack(this.attached, this.offset);
  }

  type(text: string | Uint8Array): void {
    this.server.type(this.attached, this.inputOffset, text);
    this.inputOffset += Buffer.from(text).length;
  }

  /** Waits until what has come satisfies `isEnough`. */
  async until(isEnough: (viewer: this) => boolean, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!isEnough(this)) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`timed out at offset ${this.offset}: …${JSON.stringify(this.text.slice(-400))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async sees(text: string, timeoutMs?: number): Promise<void> {
    await this.until(() => this.text.includes(text), timeoutMs);
  }
}

function describe(received: Received): string {
  return "control" in received
    ? received.control.$case
    : `data(${received.data.type}@${received.data.offset}+${received.bytes.length})`;
}
