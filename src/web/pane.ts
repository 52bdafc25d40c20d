// One terminal on the page, from its opening over lost connections to its end, and anew from there.

import { systemClock } from "../client/socket.ts";
import { openTerminal } from "../client/terminal-connection.ts";
import type { TerminalEvent, TerminalOutcome } from "../client/terminal-events.ts";
import type { OpenTerminalOptions, TerminalConnection } from "../client/terminal-options.ts";
import { MAIN_SESSION, type SessionId } from "../protocol/ids.ts";
import { SCROLLBACK_LINES } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import { browserSockets } from "./browser-socket.ts";
import { element } from "./element.ts";
import { PaneFiles } from "./files/pane-files.ts";
import { codeForm, type Ended, type OpenAgain } from "./pane-end.ts";
import type { PaneFrame } from "./pane-frame.ts";
import { PaneRecording } from "./pane-recording.ts";
import { bannerText, FIRST_STATUS, isTroubled, nextStatus } from "./pane-status.ts";
import type { PaneTarget } from "./pane-target.ts";
import type { ServerApi, TerminalApi } from "./server-api.ts";
import { TerminalScreen } from "./terminal-screen.ts";
import { whyRefused } from "./why-refused.ts";

export interface PaneDeps {
  /** Of the present login, or of a guest. */
  api(): TerminalApi;
  /** The present login, for all that is not the terminal itself; undefined for a guest, to whom nothing else is open. */
  login?: (() => ServerApi) | undefined;
  /** "ws://host:port" of the page's own server. */
  webSocketOrigin: string;
  /** What goes to the shell of what was typed: the key bar's Ctrl may change it. */
  typed(bytes: Uint8Array): Uint8Array;
  /** What stands below a terminal that has ended. */
  end(outcome: Ended, again: OpenAgain): HTMLElement;
}

/** Typed or pasted, and not taken by the shell: what comes on top is not taken, and that is told. */
const MAX_PENDING_INPUT_BYTES = 16 * 1024 * 1024;

export class Pane {
  readonly frame: PaneFrame;
  readonly files: PaneFiles | undefined;
  readonly #deps: PaneDeps;
  #target: PaneTarget;
  readonly #recording: PaneRecording | undefined;
  #screen: TerminalScreen;
  #connection: TerminalConnection | undefined;
  /** What the shell is called, once it is open. */
  #sessionId: SessionId | undefined;
  #status = FIRST_STATUS;
  #outcome: TerminalOutcome | undefined;

  /** Its frame is in the document already. */
  constructor(frame: PaneFrame, target: PaneTarget, deps: PaneDeps) {
    this.frame = frame;
    this.#deps = deps;
    this.#target = target;
    if (deps.login) {
      const common = { api: deps.login, isAllowed: () => !this.#target.isReadOnly };
      this.files = new PaneFiles({
        ...common,
        agent: target.agent,
        root: frame.root,
        stage: frame.stage,
        webSocketOrigin: deps.webSocketOrigin,
        askCode: () => this.#askCode(),
        focus: () => this.focus(),
      });
      const say = (note: string): void => this.#note(note);
      this.#recording = new PaneRecording({ ...common, agentId: target.agent.id, say });
      frame.addControl(this.#recording.button);
    }
    this.#screen = this.#newScreen();
    this.#connect();
  }

  get target(): PaneTarget {
    return this.#target;
  }

  /** What is open; undefined before. */
  get sessionId(): SessionId | undefined {
    return this.#sessionId;
  }

  /** Whether closing it would cost somebody a shell that can be typed into. */
  get isLive(): boolean {
    return this.#outcome === undefined && !this.#target.isReadOnly;
  }

  focus(): void {
    const control = this.frame.foot.querySelector<HTMLElement>("input, button");
    if (control) control.focus();
    else this.#screen.focus();
  }

  press(keys: string): void {
    this.#screen.press(keys);
    this.#screen.focus();
  }

  get isCursorApplication(): boolean {
    return this.#screen.isCursorApplication;
  }

  /** There is another login: what the old one was refused is asked for again. */
  onLogIn(): void {
    if (this.#outcome?.kind === "failed" && this.#outcome.reason === "TOKEN_INVALID") this.#openAgain();
  }

  dispose(): void {
    this.files?.dispose();
    this.#connection?.close();
    this.#screen.dispose();
    this.frame.dispose();
  }

  #newScreen(): TerminalScreen {
    const { agent, isReadOnly } = this.#target;
    const host = element("div", { className: "pane-host" });
    this.frame.body.replaceChildren(host);
    return new TerminalScreen({
      host,
      isReadOnly,
      label: `${isReadOnly ? "Watching" : "Terminal of"} ${agent.name}`,
      onInput: (bytes) => this.#type(bytes),
      onFit: (size) => this.#onFit(size),
      onGrid: (size) => this.#showSize(size),
    });
  }

  #connect(): void {
    // A later login is for later connections.
    const api = this.#deps.api();
    const { agent, isReadOnly } = this.#target;
    this.#status = FIRST_STATUS;
    this.#outcome = undefined;
    this.#show();
    const connection = openTerminal({
      sockets: browserSockets(() => whyRefused(api, agent.id)),
      clock: systemClock,
      random: Math.random,
      urls: [this.#deps.webSocketOrigin],
      agentId: agent.id,
      target: this.#sessionToOpen(),
      readOnly: isReadOnly,
      size: this.#screen.fitted,
      scrollbackLines: SCROLLBACK_LINES,
      token: api.token,
      waitForAgent: true,
      consumer: {
        output: (bytes, consumed) => this.#screen.write(bytes, consumed),
        event: (event) => this.#onEvent(event),
      },
    });
    this.#connection = connection;
    void connection.closed.then((outcome) => {
      if (this.#connection === connection) this.#onClosed(outcome);
    });
  }

  #sessionToOpen(): OpenTerminalOptions["target"] {
    const { kind, sessionId = kind === "main" ? MAIN_SESSION : this.#sessionId } = this.#target;
    return sessionId === undefined ? { kind: "new" } : { kind: "session", sessionId };
  }

  #onEvent(event: TerminalEvent): void {
    if (event.type === "opened") {
      this.#sessionId = event.sessionId;
      this.frame.showSession({ sessionId: event.sessionId, isReadOnly: event.readOnly });
      void this.#recording?.opened(event.sessionId);
    }
    if (event.type === "event") this.#recording?.onEvent(event.event);
    if (event.type === "reset") this.#screen.reset(event);
    if (event.type === "opened" || event.type === "resized") this.#screen.resized(event);
    this.#status = nextStatus(this.#status, event);
    this.#show();
  }

  #onClosed(outcome: TerminalOutcome): void {
    this.#outcome = outcome;
    this.#recording?.closed();
    if (outcome.kind === "detached") return;
    // A shell that has ended is no more; the next one of one's own has another name.
    if (outcome.kind === "ended" || (outcome.kind === "failed" && outcome.reason === "SESSION_NOT_FOUND")) {
      this.#sessionId = undefined;
    }
    const hadFocus = this.frame.root.contains(document.activeElement);
    this.#show();
    const end = this.#deps.end(outcome, {
      openAgain: () => this.#openAgain(),
      watchInstead: () => {
        this.#target = { ...this.#target, kind: "main", isReadOnly: true };
        this.#openAgain();
      },
    });
    this.frame.foot.replaceChildren(end);
    if (hadFocus) this.focus();
  }

  /** With the code of a second factor. Rejects as ServerApi does. */
  async unlock(code: string): Promise<void> {
    await this.#deps.login?.().verify(this.#target.agent.id, code);
    this.files?.goOn();
  }

  /** For files, unless it is asked for already: a terminal that is locked out asks by itself. */
  #askCode(): void {
    if (this.frame.foot.querySelector(".code") !== null) return;
    const before = [...this.frame.foot.children];
    const done = (): void => {
      this.frame.foot.replaceChildren(...before);
      this.focus();
    };
    this.frame.foot.replaceChildren(codeForm({ verify: (code) => this.unlock(code), openAgain: done, close: done }));
    this.focus();
  }

  #openAgain(): void {
    this.frame.foot.replaceChildren();
    this.#outcome = this.#connection = undefined;
    this.#screen.dispose();
    this.#screen = this.#newScreen();
    this.#connect();
    this.#screen.focus();
  }

  /** What has ended shows as much of its last lines as there is place for. */
  #onFit(size: TerminalSize): void {
    if (this.#outcome === undefined) this.#connection?.resize(size);
    else this.#screen.resized(size);
  }

  #type(bytes: Uint8Array): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (connection.pendingInputBytes + bytes.length > MAX_PENDING_INPUT_BYTES) {
      return this.#note(`${bytes.length} bytes were not typed: too many are waiting already.`);
    }
    connection.write(this.#deps.typed(bytes));
  }

  #note(note: string): void {
    this.#status = { ...this.#status, note };
    this.#show();
  }

  #show(): void {
    const isOver = this.#outcome !== undefined;
    this.frame.showBanner(isOver ? "" : bannerText(this.#status), {
      isTrouble: isTroubled(this.#status),
      isAtBottom: !this.#screen.isCursorLow,
    });
  }

  #showSize(grid: TerminalSize): void {
    const { cols, rows } = this.#screen.fitted;
    this.frame.showSize(grid, grid.cols === cols && grid.rows === rows);
  }
}
