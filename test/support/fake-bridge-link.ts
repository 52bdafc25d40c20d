// A connection of a rexec.v1 agent as its bridge sees it: writes down what goes each way.

import type { ControlCase, ControlMessage, ControlOf } from "../../src/protocol/control-frame.ts";
import { type DataHeader, frameBytes, readHeader } from "../../src/protocol/data-frame.ts";
import type { BridgeLink } from "../../src/server/transports/ws/v1/agent-bridge.ts";

export class FakeBridgeLink implements BridgeLink {
  readonly sent: { type: string; data?: Record<string, unknown> }[] = [];
  readonly controls: ControlMessage[] = [];
  readonly frames: { header: DataHeader; text: string }[] = [];
  /** Messages that the kernel has not taken yet. */
  readonly unwritten: (() => void)[] = [];
  /** Whether the kernel takes everything at once. */
  flowing = true;

  sendJson(message: object, onWritten?: () => void): void {
    this.sent.push(message as { type: string });
    if (!onWritten) return;
    if (this.flowing) onWritten();
    else this.unwritten.push(onWritten);
  }

  frame(frame: Uint8Array): void {
    this.frames.push({ header: readHeader(frame), text: Buffer.from(frameBytes(frame)).toString() });
  }

  control(message: ControlMessage): void {
    this.controls.push(message);
  }

  of<C extends ControlCase>($case: C): ControlOf<C>[] {
    return this.controls.flatMap((message) => (message.$case === $case ? [message.value as ControlOf<C>] : []));
  }

  sentOf(type: string): (Record<string, unknown> | undefined)[] {
    return this.sent.filter((message) => message.type === type).map(({ data }) => data);
  }

  get typed(): string {
    return this.sentOf("shell_input")
      .map((data) => Buffer.from(data!["data"] as string, "base64").toString())
      .join("");
  }
}
