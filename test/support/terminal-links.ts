// Both ends of a terminal as recorders, for tests of what lies between: nothing is behind them.

import type { ControlCase, ControlMessage, ControlOf } from "../../src/protocol/control-frame.ts";
import { type DataHeader, frameBytes, readHeader } from "../../src/protocol/data-frame.ts";
import type { AttachmentKey, ConnectionId, UserId } from "../../src/protocol/ids.ts";
import { MAIN_SESSION } from "../../src/protocol/ids.ts";
import type { AgentLink, ViewerLink } from "../../src/server/domain/terminals/links.ts";
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
