// A rexec.v1 agent, made to look like a v2 one: takes what the server sends in v2 and speaks JSON to the agent,
// takes the agent's JSON and gives it back as frames and control messages. Outlives the agent's connection.

import type { ControlMessage, ControlOf } from "../../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, HEADER_BYTES, readHeader } from "../../../../protocol/data-frame.ts";
import { attachmentKeyFromBytes } from "../../../../protocol/ids.ts";
import { isTerminalSize, type TerminalSize } from "../../../../protocol/terminal-size.ts";
import { harmlessText } from "../../../../protocol/names.ts";
import type { Clock } from "../../../domain/clock.ts";
import type { AgentMessage } from "./messages.ts";
import { statsFromV1, systemInfoFromV1 } from "./messages.ts";
import type { V1Shell, V1ShellOutput } from "./v1-shell.ts";
import { V1Shells } from "./v1-shells.ts";

/** One connection of the agent. */
export interface BridgeLink extends V1ShellOutput {
  /** `onWritten` runs when the kernel has taken the message. */
  sendJson(message: object, onWritten?: () => void): void;
}

export interface AgentBridgeDeps {
  clock: Clock;
  /** Where stream and attachment numbers begin: at random, so that those of an earlier bridge mean nothing now. */
  firstNumber: number;
}

export class AgentBridge {
  readonly #deps: AgentBridgeDeps;
  readonly #shells: V1Shells;
  /** Commands under way, oldest first: v1 results name the command only. */
  #execs: { execId: string; command: string }[] = [];
  #link: BridgeLink | undefined;

  constructor(deps: AgentBridgeDeps) {
    this.#deps = deps;
    this.#shells = new V1Shells({
      ...deps,
      sendJson: (message) => this.#link?.sendJson(message),
      frame: (frame) => this.#link?.frame(frame),
      control: (message) => this.#link?.control(message),
      answer: (shell, attach) => this.#answer(shell, attach),
    });
  }

  /** Some viewer is so far behind that the agent's socket should not be read. */
  get isBehind(): boolean {
    return this.#shells.isBehind;
  }

  /** What a v2 agent would say in its hello. */
  describeSessions(): ControlOf<"sessionStarted">[] {
    return this.#shells.describe();
  }

  isLinkedTo(link: BridgeLink): boolean {
    return this.#link === link;
  }

  /** The agent has dialled in, for the first time or again. Its shells have most likely outlived the connection. */
  linkUp(link: BridgeLink): void {
    this.#link = link;
    this.#execs = [];
    this.#shells.onNewLink();
  }

  /** Nobody comes back to it. */
  dispose(): void {
    this.#link = undefined;
    this.#shells.dispose();
  }

  /** A data frame on its way to the agent; it has been checked by the router. */
  onFrame(frame: Uint8Array): void {
    const header = readHeader(frame);
    const shell = this.#shells.ofStream(header.stream);
    const attachment = shell?.attachments.get(header.attachment);
    const link = this.#link;
    if (!shell || !attachment || !link) return;
    if (header.type === FRAME.OUTPUT_ACK) {
      attachment.acked = Math.max(attachment.acked, header.offset);
      return;
    }
    if (header.type !== FRAME.INPUT || header.offset > attachment.inputApplied) return;
    // A v1 agent types what is for a shell that it does not know into its main shell.
    if (shell.phase !== "running") return;
    const end = header.offset + frame.length - HEADER_BYTES;
    if (end <= attachment.inputApplied) return;
    const bytes = frameBytes(frame).subarray(attachment.inputApplied - header.offset);
    attachment.inputApplied = end;
    shell.size.typed(attachment.handle);
    this.#followWindow(shell);
    const data = { session_id: shell.id, data: Buffer.from(bytes).toString("base64") };
    link.sendJson({ type: "shell_input", data }, () => {
      // What an earlier connection took late was counted as lost, and is typed again.
      if (this.#link !== link) return;
      attachment.inputWritten = Math.max(attachment.inputWritten, end);
      const ack = { type: FRAME.INPUT_ACK, stream: shell.stream, attachment: attachment.handle, offset: end };
      link.frame(encodeDataFrame(ack));
    });
  }

  /** A control message on its way to the agent. */
  onControl(message: ControlMessage): void {
    switch (message.$case) {
      case "attach":
        return this.#shells.attach(message.value);
      case "detach": {
        const { attachment, linger } = message.value;
        const shell = this.#shells.ofAttachment(attachment);
        if (!shell) return;
        shell.attachments.detach(attachment, linger ? "linger" : "forget", this.#deps.clock.monotonicMs());
        shell.size.remove(attachment);
        this.#followWindow(shell);
        return this.#shells.watchIdle(shell);
      }
      case "replay": {
        const { attachment, from, maxBytes } = message.value;
        return this.#shells.ofAttachment(attachment)?.replay(attachment, from, maxBytes);
      }
      case "resize": {
        const { attachment, cols, rows } = message.value;
        const shell = this.#shells.ofAttachment(attachment);
        if (!shell || !isTerminalSize(cols, rows)) return;
        shell.size.set(attachment, { cols, rows }, "write");
        return this.#followWindow(shell);
      }
      case "stopSession":
        return this.#shells.stop(message.value.sessionId);
      case "exec":
        this.#execs.push(message.value);
        return this.#link?.sendJson({ type: "exec", data: { command: message.value.command } });
      default:
        return;
    }
  }

  /** A message of the agent. */
  onMessage(message: AgentMessage): void {
    switch (message.type) {
      case "shell_output": {
        const bytes = Buffer.from(message.data.data, "base64");
        if (bytes.length > 0) this.#shells.running(message.data.session_id)?.append(bytes);
        return;
      }
      case "shell_started":
        this.#shells.running(message.data.session_id);
        return;
      case "shell_stopped":
        return this.#shells.ended(message.data.session_id, { exitCode: 0, reason: "exited" });
      case "shell_error": {
        const { session_id: id, error } = message.data;
        return this.#shells.ended(id, { exitCode: 1, reason: `failed to start: ${harmlessText(error)}` });
      }
      case "exec_result":
        return this.#execResult(message.data);
      case "system_info":
        return this.#link?.control({ $case: "systemInfo", value: systemInfoFromV1(message.data) });
      case "stats":
        return this.#link?.control({ $case: "stats", value: statsFromV1(message.data) });
      case "shell_starting":
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  /** The shell runs: the viewer is on it. */
  #answer(shell: V1Shell, attach: ControlOf<"attach">): void {
    const link = this.#link;
    const key = attachmentKeyFromBytes(attach.attachmentKey);
    if (!link || key === undefined) return;
    const admitted = shell.attachments.admit({
      key,
      userId: attach.userId,
      at: shell.end,
      newHandle: () => this.#shells.newNumber(),
      now: this.#deps.clock.monotonicMs(),
    });
    if (admitted === "NOT_AUTHORIZED") return this.#shells.refuse(attach, admitted);
    const { attachment, isKnown } = admitted;
    clearTimeout(shell.phase === "running" ? shell.timer : undefined);
    const size: TerminalSize = { cols: attach.cols, rows: attach.rows };
    shell.size.set(attachment.handle, size, attach.readOnly ? "read" : "write");
    link.control({
      $case: "attached",
      value: {
        requestId: attach.requestId,
        attachment: attachment.handle,
        stream: shell.stream,
        sessionId: shell.id,
        resumed: isKnown && attach.resumeStream === shell.stream,
        inputOffset: attachment.inputApplied,
        outputOffset: shell.end,
        ...(shell.size.followed()?.size ?? size),
      },
    });
    if (attachment.missedOutput) this.#tellGap(shell, attachment.handle);
    attachment.missedOutput = false;
    this.#followWindow(shell);
  }

  /** A v1 agent drops what its shells say while it is away: how much, nobody knows. */
  #tellGap(shell: V1Shell, attachment: number): void {
    const { stream, end } = shell;
    this.#link?.control({ $case: "gap", value: { stream, attachment, from: end, to: end } });
    shell.replay(attachment, undefined, 0);
  }

  #execResult(result: Extract<AgentMessage, { type: "exec_result" }>["data"]): void {
    const index = this.#execs.findIndex((exec) => exec.command === result.command);
    const [exec] = index < 0 ? [] : this.#execs.splice(index, 1);
    if (!exec) return;
    this.#link?.control({ $case: "execResult", value: { execId: exec.execId, error: "", ...result } });
  }

  #followWindow(shell: V1Shell): void {
    const window = shell.size.followed();
    // As with input: a v1 agent that does not know the shell resizes its main shell.
    if (!window || shell.phase !== "running") return;
    const { cols, rows } = window.size;
    if (shell.cols === cols && shell.rows === rows) return;
    shell.cols = cols;
    shell.rows = rows;
    this.#link?.sendJson({ type: "shell_resize", data: { session_id: shell.id, cols, rows } });
    this.#link?.control({
      $case: "resized",
      value: { stream: shell.stream, cols, rows, attachment: window.attachment },
    });
  }
}
