// Plays a recording on the page: a screen of its own, and what people steer it with.

import { Terminal } from "@xterm/xterm";
import type { CastEvent, CastHeader } from "../protocol/asciicast.ts";
import { clockTime } from "../text/clock-time.ts";
import { element } from "./element.ts";
import { Playback } from "./playback.ts";
import { currentTheme, onThemeChange, TERMINAL_LOOKS } from "./terminal-theme.ts";

const SPEEDS = [0.5, 1, 2, 4, 8];
const FONT_SIZE = TERMINAL_LOOKS.fontSize ?? 13;
const MIN_FONT_SIZE = 7;
/** How often the place is told while it plays. */
const TELL_EVERY_MS = 200;
const STEP_MS = 5_000;

export class RecordingPlayer {
  readonly root = element("div", { className: "player" });
  readonly #header: CastHeader;
  readonly #terminal: Terminal;
  readonly #playback: Playback;
  readonly #stopThemes: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #toggle = element("button", { type: "button", className: "primary", onclick: () => this.toggle() });
  readonly #place = element("input", {
    type: "range",
    className: "player-place",
    ariaLabel: "Place in the recording",
    min: "0",
    step: "1",
    oninput: () => this.#playback.seek(Number(this.#place.value)),
  });
  readonly #time = element("span", { className: "player-time" });
  readonly #marker = element("p", { className: "player-marker", role: "status" });

  /** To be called with its host in the document: a terminal measures its cells. */
  constructor(host: HTMLElement, recording: { header: CastHeader; events: readonly CastEvent[] }) {
    const { header, events } = recording;
    this.#header = header;
    const screen = element("div", { className: "player-screen" });
    this.root.append(screen, this.#marker, this.#controls());
    host.append(this.root);
    this.#terminal = new Terminal({
      ...TERMINAL_LOOKS,
      theme: currentTheme(),
      cols: header.cols,
      rows: header.rows,
      scrollback: 0,
      disableStdin: true,
      cursorBlink: false,
      cursorInactiveStyle: "block",
    });
    this.#terminal.open(screen);
    this.#fit(screen);
    this.#stopThemes = onThemeChange((theme) => {
      this.#terminal.options.theme = theme;
    });
    this.#playback = new Playback({
      events,
      screen: { reset: () => this.#reset(), show: (event) => this.#show(event) },
      now: () => performance.now(),
      onChange: () => this.#tell(),
    });
    this.#timer = setInterval(() => this.#playback.isPlaying && this.#tell(), TELL_EVERY_MS);
    this.root.addEventListener("keydown", (event) => this.#onKey(event));
    this.#playback.play();
    this.#toggle.focus();
  }

  toggle(): void {
    if (this.#playback.isPlaying) this.#playback.pause();
    else this.#playback.play();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#playback.dispose();
    this.#stopThemes();
    this.#terminal.dispose();
    this.root.remove();
  }

  #controls(): HTMLElement {
    const speed = element(
      "select",
      { ariaLabel: "Speed", onchange: () => this.#playback.setSpeed(Number(speed.value)) },
      ...SPEEDS.map((factor) => element("option", { value: String(factor), selected: factor === 1 }, `${factor}×`)),
    );
    const skip = element("input", {
      type: "checkbox",
      checked: true,
      onchange: () => this.#playback.setSkipsPauses(skip.checked),
    });
    return element(
      "div",
      { className: "player-controls" },
      this.#toggle,
      this.#place,
      this.#time,
      speed,
      element("label", { className: "player-skip" }, skip, "Skip pauses"),
    );
  }

  /** A window that was wider than this one is drawn smaller, as far as it can be read. */
  #fit(screen: HTMLElement): void {
    const drawn = this.#terminal.element?.offsetWidth ?? 0;
    if (drawn <= screen.clientWidth) return;
    const size = Math.floor((FONT_SIZE * screen.clientWidth) / drawn);
    this.#terminal.options.fontSize = Math.max(size, MIN_FONT_SIZE);
  }

  #reset(): void {
    this.#inOrder(() => {
      this.#terminal.reset();
      this.#terminal.resize(this.#header.cols, this.#header.rows);
    });
    this.#marker.textContent = "";
  }

  #show(event: CastEvent): void {
    switch (event.kind) {
      case "output":
        return this.#terminal.write(event.text);
      case "resize": {
        const { cols, rows } = event.size;
        return this.#inOrder(() => this.#terminal.resize(cols, rows));
      }
      case "marker":
        this.#marker.textContent = `${clockTime(event.atMs)} ${event.text}`;
        return;
      default:
        event satisfies never;
    }
  }

  /** After all that was written before. */
  #inOrder(run: () => void): void {
    this.#terminal.write("", run);
  }

  #tell(): void {
    const { isPlaying, positionMs, durationMs } = this.#playback;
    this.#toggle.textContent = isPlaying ? "Pause" : "Play";
    this.#place.max = String(durationMs);
    this.#place.value = String(positionMs);
    this.#time.textContent = `${clockTime(positionMs)} / ${clockTime(durationMs)}`;
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target !== this.#toggle) return;
    if (event.key === "ArrowRight") this.#playback.seek(this.#playback.positionMs + STEP_MS);
    else if (event.key === "ArrowLeft") this.#playback.seek(this.#playback.positionMs - STEP_MS);
    else return;
    event.preventDefault();
  }
}
