// The recordings of one's own agents: what there is, played, ended, deleted.

import { ago } from "../text/ago.ts";
import { byteCount } from "../text/byte-count.ts";
import { clockTime } from "../text/clock-time.ts";
import { element } from "./element.ts";
import { readRecordingFile, UnplayableError } from "./recording-file.ts";
import { RecordingPlayer } from "./recording-player.ts";
import { failureText } from "./refusal-text.ts";
import type { ListedRecording, ServerApi } from "./server-api.ts";

export class RecordingsDialog {
  readonly root: HTMLDialogElement;
  readonly #api: () => ServerApi;
  readonly #title = element("h2", {}, "Recordings");
  readonly #note = element("p", { className: "recordings-note", role: "status" });
  readonly #rows = element("ul", { className: "recording-rows" });
  readonly #stage = element("div", { className: "recording-stage" });
  readonly #back = element(
    "button",
    { type: "button", hidden: true, onclick: () => void this.#list() },
    "All recordings",
  );
  #player: RecordingPlayer | undefined;
  /** Of what was asked for last: answers to what came before are for nobody. */
  #asked = 0;

  constructor(api: () => ServerApi) {
    this.#api = api;
    this.root = element(
      "dialog",
      { className: "recordings", ariaLabel: "Recordings", onclose: () => this.#leave() },
      element(
        "header",
        {},
        this.#title,
        this.#back,
        element("button", { type: "button", onclick: () => this.root.close() }, "Close"),
      ),
      this.#note,
      this.#rows,
      this.#stage,
    );
  }

  show(): void {
    if (!this.root.open) this.root.showModal();
    void this.#list();
  }

  #leave(): void {
    this.#asked += 1;
    this.#player?.dispose();
    this.#player = undefined;
    this.#stage.replaceChildren();
  }

  async #list(): Promise<void> {
    this.#leave();
    this.#title.textContent = "Recordings";
    this.#back.hidden = true;
    await this.#ask(async (api) => {
      const { recordings, total } = await api.listRecordings();
      return () => {
        this.#rows.replaceChildren(...recordings.map((recording) => this.#row(recording)));
        this.#note.textContent = noteText(recordings.length, total);
      };
    });
  }

  /** What comes of it is shown, unless something else was asked for meanwhile. */
  async #ask(work: (api: ServerApi) => Promise<() => void>): Promise<void> {
    const asked = ++this.#asked;
    try {
      const show = await work(this.#api());
      if (asked === this.#asked) show();
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#note.textContent = error instanceof UnplayableError ? error.message : failureText(error);
    }
  }

  #row(recording: ListedRecording): HTMLElement {
    const { id, agentName, sessionId, startedAt, durationMs, sizeBytes, gaps, endReason, isOpen } = recording;
    const facts = [
      `${ago(startedAt, new Date())} ago`,
      clockTime(durationMs),
      byteCount(sizeBytes),
      ...(gaps > 0 ? [`${gaps} ${gaps === 1 ? "gap" : "gaps"}`] : []),
      isOpen ? "being recorded" : endReason,
    ];
    const stop: HTMLElement = element(
      "button",
      { type: "button", onclick: () => void this.#change((api) => api.stopRecording(id)) },
      "Stop",
    );
    const remove: HTMLButtonElement = element(
      "button",
      { type: "button", onclick: () => this.#confirmRemoval(remove, id) },
      "Delete",
    );
    return element(
      "li",
      { className: "recording" },
      element(
        "span",
        { className: "agent-text" },
        element("span", { className: "agent-name" }, `${agentName} ${sessionId === "main" ? "main" : "own shell"}`),
        element("span", { className: "agent-state" }, facts.join(" · ")),
      ),
      element("button", { type: "button", className: "primary", onclick: () => void this.#play(recording) }, "Play"),
      isOpen ? stop : remove,
    );
  }

  /** A second press on the same place means it. */
  #confirmRemoval(button: HTMLButtonElement, id: string): void {
    if (button.textContent === "Delete") {
      button.textContent = "Really delete";
      button.onblur = () => {
        button.textContent = "Delete";
      };
    } else void this.#change((api) => api.deleteRecording(id));
  }

  async #change(work: (api: ServerApi) => Promise<void>): Promise<void> {
    let isDone = false;
    await this.#ask(async (api) => {
      await work(api);
      return () => {
        isDone = true;
      };
    });
    if (isDone) await this.#list();
  }

  async #play(recording: ListedRecording): Promise<void> {
    this.#note.textContent = "Fetching the recording…";
    await this.#ask(async (api) => {
      const file = await readRecordingFile(await api.readRecording(recording.id));
      return () => {
        this.#title.textContent = recording.agentName;
        this.#note.textContent = "";
        this.#rows.replaceChildren();
        this.#back.hidden = false;
        this.#player = new RecordingPlayer(this.#stage, file);
      };
    });
  }
}

function noteText(shown: number, total: number): string {
  if (total === 0) return "No recordings yet. Record makes one of the view that it belongs to.";
  if (total > shown) return `The newest ${shown} of ${total}. rexec recordings lists them all.`;
  return "";
}
