// A rexec.v1 agent, made to look like a v2 one: takes what the server sends in v2 and speaks JSON to the agent,
// takes the agent's JSON and gives it back as frames and control messages.

import { type ControlMessage, type ControlOf } from "../../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, HEADER_BYTES, readHeader } from "../../../../protocol/data-frame.ts";
import { attachmentKeyFromBytes, parseSessionId, type SessionId } from "../../../../protocol/ids.ts";
import { MAX_SESSIONS_PER_AGENT, SPLIT_IDLE_MS } from "../../../../protocol/limits.ts";
import { isTerminalSize, type TerminalSize } from "../../../../protocol/terminal-size.ts";
import type { AgentMessage } from "./messages.ts";
import { statsFromV1, systemInfoFromV1 } from "./messages.ts";
import { V1Shell, type V1ShellOutput } from "./v1-shell.ts";

export interface AgentBridgeDeps extends V1ShellOutput {
  /** `onWritten` runs when the kernel has taken the message. */
  sendJson(message: object, onWritten?: () => void): void;
  now(): number;
  /** Where stream and attachment numbers begin: at random, so that those of an earlier connection mean nothing now. */
  firstNumber: number;
}

export class AgentBridge {
  readonly #deps: AgentBridgeDeps;
  readonly #shells = new Map<SessionId, V1Shell>();
  readonly #byHandle = new Map<number, V1Shell>();
  readonly #idleTimers = new Map<SessionId, NodeJS.Timeout>();
  /** Commands under way, oldest first: v1 results name the command only. */
  readonly #execs: { execId: string; command: string }[] = [];
  #lastNumber: number;

  constructor(deps: AgentBridgeDeps) {
    this.#deps = deps;
    this.#lastNumber = deps.firstNumber;
  }

  /** Some viewer is so far behind that the agent's socket should not be read. */
  get isBehind(): boolean {
    for (const shell of this.#shells.values()) if (shell.isBehind) return true;
    return false;
  }

  close(): void {
    for (const timer of this.#idleTimers.values()) clearTimeout(timer);
    this.#idleTimers.clear();
  }

  /** A data frame on its way to the agent; it has been checked by the router. */
  onFrame(frame: Uint8Array): void {
    const header = readHeader(frame);
    const shell = this.#byHandle.get(header.attachment);
    const attachment = shell?.attachments.get(header.attachment);
    if (!shell || !attachment) return;
    if (header.type === FRAME.OUTPUT_ACK) {
      attachment.acked = Math.max(attachment.acked, header.offset);
      return;
    }
    if (header.type !== FRAME.INPUT || header.offset > attachment.inputApplied) return;
    const end = header.offset + frame.length - HEADER_BYTES;
    if (end <= attachment.inputApplied) return;
    const bytes = frameBytes(frame).subarray(attachment.inputApplied - header.offset);
    attachment.inputApplied = end;
    shell.size.typed(attachment.handle);
    this.#followWindow(shell);
    const data = { session_id: shell.id, data: Buffer.from(bytes).toString("base64") };
    this.#deps.sendJson({ type: "shell_input", data }, () => {
      this.#deps.frame(
        encodeDataFrame({ type: FRAME.INPUT_ACK, stream: shell.stream, attachment: attachment.handle, offset: end }),
      );
    });
  }

  /** A control message on its way to the agent. */
  onControl(message: ControlMessage): void {
    switch (message.$case) {
      case "attach":
        return this.#attach(message.value);
      case "detach":
        return this.#detach(message.value);
      case "replay": {
        const { attachment, from, maxBytes } = message.value;
        return this.#byHandle.get(attachment)?.replay(attachment, from, maxBytes);
      }
      case "resize": {
        const { attachment, cols, rows } = message.value;
        const shell = this.#byHandle.get(attachment);
        if (!shell || !isTerminalSize(cols, rows)) return;
        shell.size.set(attachment, { cols, rows }, "write");
        return this.#followWindow(shell);
      }
      case "stopSession": {
        const { sessionId } = message.value;
        if (sessionId === "") return this.#deps.sendJson({ type: "shell_stop" });
        return this.#deps.sendJson({ type: "shell_stop_session", data: { session_id: sessionId } });
      }
      case "exec":
        this.#execs.push(message.value);
        return this.#deps.sendJson({ type: "exec", data: { command: message.value.command } });
      default:
        return;
    }
  }

  /** A message of the agent. */
  onMessage(message: AgentMessage): void {
    switch (message.type) {
      case "shell_output": {
        const bytes = Buffer.from(message.data.data, "base64");
        if (bytes.length > 0) this.#shellNamed(message.data.session_id)?.append(bytes);
        return;
      }
      case "shell_started":
        this.#shellNamed(message.data.session_id);
        return;
      case "shell_stopped":
        return this.#ended(message.data.session_id, 0, "exited");
      case "shell_error":
        return this.#ended(message.data.session_id, 1, `failed to start: ${message.data.error}`);
      case "exec_result":
        return this.#execResult(message.data);
      case "system_info":
        return this.#deps.control({ $case: "systemInfo", value: systemInfoFromV1(message.data) });
      case "stats":
        return this.#deps.control({ $case: "stats", value: statsFromV1(message.data) });
      case "shell_starting":
      case "pong":
        return;
      default:
        message satisfies never;
    }
  }

  #attach(attach: ControlOf<"attach">): void {
    const id = parseSessionId(attach.sessionId);
    const key = attachmentKeyFromBytes(attach.attachmentKey);
    const refuse = (reason: string) =>
      this.#deps.control({ $case: "attachRefused", value: { requestId: attach.requestId, reason, ended: undefined } });
    if (id === undefined || key === undefined) return refuse("INVALID_ARGUMENT");
    let shell = this.#shells.get(id);
    // After a server's restart a v1 agent's main shell runs on under a number that nobody knows any more.
    const mayStart = attach.create || id === "main";
    if (!shell && !mayStart) return refuse("SESSION_NOT_FOUND");
    shell ??= this.#shellNamed(id);
    if (!shell) return refuse("SESSION_LIMIT_REACHED");
    if (mayStart) this.#deps.sendJson({ type: "shell_start", data: { session_id: id, new_session: id !== "main" } });
    this.#stopIdling(id);
    const known = [...shell.attachments.values()].find((other) => other.key === key);
    if (known && known.userId !== attach.userId) return refuse("NOT_AUTHORIZED");
    const attachment = known ?? {
      handle: ++this.#lastNumber,
      key,
      userId: attach.userId,
      live: true,
      acked: shell.end,
      inputApplied: 0,
    };
    attachment.live = true;
    attachment.acked = Math.max(attachment.acked, known ? 0 : shell.end);
    shell.attachments.set(attachment.handle, attachment);
    this.#byHandle.set(attachment.handle, shell);
    const size: TerminalSize = { cols: attach.cols, rows: attach.rows };
    shell.size.set(attachment.handle, size, attach.readOnly ? "read" : "write");
    this.#deps.control({
      $case: "attached",
      value: {
        requestId: attach.requestId,
        attachment: attachment.handle,
        stream: shell.stream,
        sessionId: id,
        resumed: known !== undefined && attach.resumeStream === shell.stream,
        inputOffset: attachment.inputApplied,
        outputOffset: shell.end,
        ...(shell.size.followed()?.size ?? size),
      },
    });
    this.#followWindow(shell);
  }

  #detach({ attachment, linger }: ControlOf<"detach">): void {
    const shell = this.#byHandle.get(attachment);
    const entry = shell?.attachments.get(attachment);
    if (!shell || !entry) return;
    entry.live = false;
    shell.size.remove(attachment);
    if (!linger) {
      shell.attachments.delete(attachment);
      this.#byHandle.delete(attachment);
    }
    this.#followWindow(shell);
    if (shell.id === "main" || shell.hasLive) return;
    this.#stopIdling(shell.id);
    const stop = () => this.#deps.sendJson({ type: "shell_stop_session", data: { session_id: shell.id } });
    this.#idleTimers.set(shell.id, setTimeout(stop, SPLIT_IDLE_MS));
  }

  /** The shell of this name; a v1 agent may run one from before that this server has not heard of. */
  #shellNamed(name: string): V1Shell | undefined {
    const id = parseSessionId(name);
    if (id === undefined) return undefined;
    const known = this.#shells.get(id);
    if (known) return known;
    if (this.#shells.size >= MAX_SESSIONS_PER_AGENT) return undefined;
    const shell = new V1Shell(++this.#lastNumber, id, this.#deps.now(), this.#deps);
    this.#shells.set(id, shell);
    const { stream, startedAtMs } = shell;
    this.#deps.control({
      $case: "sessionStarted",
      value: { stream, sessionId: id, cols: 120, rows: 30, offset: 0, startedAtMs },
    });
    return shell;
  }

  #ended(name: string, exitCode: number, reason: string): void {
    const id = parseSessionId(name);
    const shell = id && this.#shells.get(id);
    if (!id || !shell) return;
    this.#stopIdling(id);
    this.#shells.delete(id);
    const { stream, end } = shell;
    this.#deps.control({ $case: "sessionEnded", value: { stream, sessionId: id, endOffset: end, exitCode, reason } });
  }

  #execResult(result: Extract<AgentMessage, { type: "exec_result" }>["data"]): void {
    const index = this.#execs.findIndex((exec) => exec.command === result.command);
    const [exec] = index < 0 ? [] : this.#execs.splice(index, 1);
    if (!exec) return;
    this.#deps.control({ $case: "execResult", value: { execId: exec.execId, error: "", ...result } });
  }

  #followWindow(shell: V1Shell): void {
    const window = shell.size.followed();
    if (!window) return;
    const { cols, rows } = window.size;
    if (shell.cols === cols && shell.rows === rows) return;
    shell.cols = cols;
    shell.rows = rows;
    this.#deps.sendJson({ type: "shell_resize", data: { session_id: shell.id, cols, rows } });
    this.#deps.control({
      $case: "resized",
      value: { stream: shell.stream, cols, rows, attachment: window.attachment },
    });
  }

  #stopIdling(id: SessionId): void {
    clearTimeout(this.#idleTimers.get(id));
    this.#idleTimers.delete(id);
  }
}
