// A viewer that speaks rexec.v2 with a bare socket.

import { type DataHeader, encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { ControlOf } from "../../src/protocol/control-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type DialOptions, WireSocket } from "./wire-socket.ts";

const PLAIN_OPEN: ControlOf<"open"> = {
  sessionId: "main",
  newSession: false,
  readOnly: false,
  cols: 80,
  rows: 24,
  scrollbackLines: 100,
  attachmentKey: new Uint8Array(),
  stream: 0,
  outputOffset: 0,
  program: undefined,
};

export class V2Viewer {
  readonly wire: WireSocket;
  #inputOffset = 0;

  private constructor(wire: WireSocket) {
    this.wire = wire;
  }

  /** The socket alone: nothing has been said on it. */
  static async dial(wsUrl: string, agentId: AgentId, options: DialOptions): Promise<V2Viewer> {
    const url = `${wsUrl}/ws/agent/${agentId}/terminal`;
    return new V2Viewer(await WireSocket.dial(url, { protocols: ["rexec.v2"], ...options }));
  }

  /** On a shell, with its screen. */
  static async open(
    wsUrl: string,
    agentId: AgentId,
    { token, ...open }: { token: string } & Partial<ControlOf<"open">>,
  ): Promise<V2Viewer> {
    const viewer = await V2Viewer.dial(wsUrl, agentId, { token });
    viewer.sendOpen(open);
    viewer.#inputOffset = (await viewer.wire.controlOf("opened")).inputOffset;
    await viewer.wire.controlOf("snapshot");
    return viewer;
  }

  sendOpen(open: Partial<ControlOf<"open">> = {}): void {
    this.wire.control({ $case: "open", value: { ...PLAIN_OPEN, ...open } });
  }

  get opened(): Promise<ControlOf<"opened">> {
    return this.wire.controlOf("opened");
  }

  async type(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.sendData({ type: FRAME.INPUT, offset: this.#inputOffset }, bytes);
    this.#inputOffset += bytes.length;
  }

  /** A frame for its own shell, except for what `header` says. */
  async sendData(header: Partial<DataHeader> & Pick<DataHeader, "type" | "offset">, bytes?: Uint8Array): Promise<void> {
    const { stream, attachment } = await this.opened;
    this.wire.socket.send(encodeDataFrame({ stream, attachment, ...header }, bytes));
  }

  /** Everything that was drawn. */
  get text(): string {
    return this.wire.received
      .map((one) => {
        if (one.kind === "data" && one.header.type === FRAME.OUTPUT) return Buffer.from(one.bytes).toString("latin1");
        if (one.kind === "control" && one.message.$case === "snapshot")
          return Buffer.from(one.message.value.data).toString("latin1");
        return "";
      })
      .join("");
  }

  sees(text: string): Promise<true> {
    return this.wire.until(() => this.text.includes(text), JSON.stringify(text));
  }

  /** The reasons of the error frames that came. */
  get notices(): string[] {
    return this.wire.received.flatMap((one) =>
      one.kind === "control" && one.message.$case === "error" ? [one.message.value.reason] : [],
    );
  }
}
