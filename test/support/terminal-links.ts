// Both ends of a terminal as recorders, for tests of what lies between: nothing is behind them.

import {
  type ControlCase,
  type ControlMessage,
  type ControlOf,
  decodeControl,
  encodeControl,
} from "../../src/protocol/control-frame.ts";
import { type DataHeader, FRAME, frameBytes, readHeader } from "../../src/protocol/data-frame.ts";
import type { AttachmentKey, ConnectionId, InstanceId, UserId } from "../../src/protocol/ids.ts";
import { MAIN_SESSION } from "../../src/protocol/ids.ts";
import type { AgentLink, ViewerLink } from "../../src/server/domain/terminals/links.ts";
import type { Route, RouteEvents } from "../../src/server/domain/terminals/routes.ts";
import { Viewer, type ViewerOpen } from "../../src/server/domain/terminals/viewer.ts";

class RecordingLink {
  readonly controls: ControlMessage[] = [];
  readonly frames: { header: DataHeader; text: string }[] = [];
  closed: { code: number; reason: string } | undefined;

  sendFrame(frame: Uint8Array): void {
    this.frames.push({ header: readHeader(frame), text: Buffer.from(frameBytes(frame)).toString() });
  }

  sendControl(message: ControlMessage): void {
    this.controls.push(message);
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  /** All messages of one type so far. */
  of<C extends ControlCase>($case: C): ControlOf<C>[] {
    return this.controls.flatMap((message) => (message.$case === $case ? [message.value as ControlOf<C>] : []));
  }

  get text(): string {
    return this.frames.map(({ text }) => text).join("");
  }
}

export class RecordingAgentLink extends RecordingLink implements AgentLink {
  readonly protocol = "rexec.v2";
  readonly connectionId: ConnectionId;
  /** Whether a probe is answered. */
  alive = true;

  constructor(connectionId = "connection") {
    super();
    this.connectionId = connectionId as ConnectionId;
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.alive);
  }
}

export class RecordingViewerLink extends RecordingLink implements ViewerLink {
  readonly protocol = "rexec.v2";
}

/** A route whose other end is the test: what was sent there, and what comes from there. */
export class RecordingRoute extends RecordingLink implements Route {
  readonly path = "direct";
  readonly peer: InstanceId;
  isFull = false;
  events: RouteEvents | undefined;
  ended = false;

  constructor(peer = "another") {
    super();
    this.peer = peer as InstanceId;
  }

  send(frame: Uint8Array): void {
    if (this.ended) return;
    if (frame[0] !== FRAME.CONTROL) return this.sendFrame(frame);
    const message = decodeControl(frame, "agent") ?? decodeControl(frame, "server");
    if (message === undefined) throw new Error("sent what neither an agent nor a server says");
    this.sendControl(message);
  }

  /** The other end says this. */
  says(message: ControlMessage | Uint8Array): void {
    this.events?.onFrame(message instanceof Uint8Array ? message : encodeControl(message));
  }

  override close(): void {
    if (this.ended) return;
    this.ended = true;
    this.events?.onEnd();
  }
}

let keys = 0;

/** What a viewer of main asks for. */
function viewerOpen(fields: Partial<ViewerOpen> = {}): ViewerOpen {
  return {
    userId: "user" as UserId,
    key: (++keys).toString(16).padStart(32, "0") as AttachmentKey,
    sessionId: MAIN_SESSION,
    create: true,
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 100,
    resume: undefined,
    ...fields,
  };
}

export function aViewer(fields: Partial<ViewerOpen> = {}): { viewer: Viewer; link: RecordingViewerLink } {
  const link = new RecordingViewerLink();
  return { viewer: new Viewer(viewerOpen(fields), link, new Date(0)), link };
}
