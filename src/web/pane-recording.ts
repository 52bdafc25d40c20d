// Whether a view's session is being recorded, shown by the button that begins and ends it.

import type { ControlOf } from "../protocol/control-frame.ts";
import type { AgentId, SessionId } from "../protocol/ids.ts";
import { element } from "./element.ts";
import { failureText } from "./refusal-text.ts";
import type { ServerApi } from "./server-api.ts";

export interface PaneRecordingDeps {
  agentId: AgentId;
  /** Of the present login; throws where there is none. */
  api(): ServerApi;
  /** Who only watches is shown it, and changes nothing. */
  isAllowed(): boolean;
  say(text: string): void;
}

export class PaneRecording {
  readonly button = element("button", { type: "button", className: "record", disabled: true });
  readonly #deps: PaneRecordingDeps;
  #sessionId: SessionId | undefined;
  /** Of the recording that goes on; "" where its id is not known yet. */
  #id: string | undefined;

  constructor(deps: PaneRecordingDeps) {
    this.#deps = deps;
    this.button.addEventListener("click", () => void this.#toggle());
    this.#show();
  }

  /** The session is open: it may have been recorded for long. */
  async opened(sessionId: SessionId): Promise<void> {
    this.#sessionId = sessionId;
    this.#id = undefined;
    this.#show();
    await this.#ask(async (api) => {
      const id = await this.#find(api);
      if (this.#sessionId === sessionId) this.#id = id;
    });
  }

  /** There is no session any more. */
  closed(): void {
    this.#sessionId = this.#id = undefined;
    this.#show();
  }

  onEvent({ type }: ControlOf<"event">): void {
    if (type === "recording.started") this.#id ??= "";
    else if (type === "recording.ended") this.#id = undefined;
    else return;
    this.#show();
  }

  async #toggle(): Promise<void> {
    const sessionId = this.#sessionId;
    if (sessionId === undefined) return;
    this.button.disabled = true;
    await this.#ask(async (api) => {
      const known = this.#id === "" ? await this.#find(api) : this.#id;
      if (known === undefined) this.#id = (await api.startRecording(this.#deps.agentId, sessionId)).id;
      else {
        await api.stopRecording(known);
        this.#id = undefined;
      }
    });
  }

  async #find(api: ServerApi): Promise<string | undefined> {
    const { recordings } = await api.listRecordings();
    const isThis = (each: (typeof recordings)[number]) =>
      each.isOpen && each.agentId === this.#deps.agentId && each.sessionId === this.#sessionId;
    return recordings.find(isThis)?.id;
  }

  async #ask(work: (api: ServerApi) => Promise<void>): Promise<void> {
    try {
      await work(this.#deps.api());
    } catch (error) {
      this.#deps.say(failureText(error));
    }
    this.#show();
  }

  #show(): void {
    const isRecorded = this.#id !== undefined;
    const isAllowed = this.#deps.isAllowed();
    this.button.disabled = this.#sessionId === undefined || !isAllowed;
    this.button.hidden = !isAllowed && !isRecorded;
    this.button.textContent = isRecorded ? "● Recording" : "Record";
    this.button.title = isRecorded
      ? "This session is being recorded. Press to end that."
      : "Record this session from now on";
    this.button.ariaPressed = String(isRecorded);
  }
}
