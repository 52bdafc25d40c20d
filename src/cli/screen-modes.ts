// Which terminal modes a program has changed, read from the output as it passes, so that they can be put back when
// the terminal is left: the alternate screen, mouse reports, bracketed paste, a hidden cursor, …

const ESC = 0x1b;
/** Modes that are on in a terminal just reset. */
const ON_BY_DEFAULT: ReadonlySet<number> = new Set([7, 8, 25]);
const ALTERNATE_SCREENS: readonly number[] = [1049, 1047, 47];
/** A longer sequence than this sets no mode. */
const MAX_SEQUENCE_BYTES = 64;
/** ESC [ ? modes h|l, ESC [ > or < … u (keyboard protocol), ESC = and ESC > (keypad), ESC c and ESC [ ! p (resets). */
const SEQUENCE = /^\x1b(?:\[\?([0-9;]+)([hl])|\[([<>])[0-9;]*u|\[(!)p|([=>c]))/;
const UNFINISHED = /^\x1b(?:\[[?<>!]?[0-9;]*)?$/;

export class ScreenModes {
  readonly #changed = new Set<number>();
  #keyboardLevels = 0;
  #isKeypadApplication = false;
  /** The beginning of a sequence that the last piece of output ended in. */
  #unfinished = "";

  get isAlternateScreen(): boolean {
    return ALTERNATE_SCREENS.some((mode) => this.#changed.has(mode));
  }

  feed(bytes: Uint8Array): void {
    const output = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#unfinished !== "") {
      this.#scan(
        this.#unfinished + output.toString("latin1", 0, MAX_SEQUENCE_BYTES),
        output.length > MAX_SEQUENCE_BYTES,
      );
    }
    for (let at = output.indexOf(ESC); at !== -1; at = output.indexOf(ESC, at + 1)) {
      const end = at + MAX_SEQUENCE_BYTES;
      this.#scan(output.toString("latin1", at, end), end < output.length);
    }
  }

  /** What puts everything back; nothing where nothing was changed. */
  restore(): string {
    let text = "";
    for (const mode of this.#changed) {
      if (!ALTERNATE_SCREENS.includes(mode)) text += `\x1b[?${mode}${ON_BY_DEFAULT.has(mode) ? "h" : "l"}`;
    }
    if (this.#isKeypadApplication) text += "\x1b>";
    if (this.#keyboardLevels > 0) text += `\x1b[<${this.#keyboardLevels}u`;
    const screen = ALTERNATE_SCREENS.find((mode) => this.#changed.has(mode));
    return screen === undefined ? text : `${text}\x1b[?${screen}l`;
  }

  /** The terminal has been put back. */
  forget(): void {
    this.#changed.clear();
    this.#keyboardLevels = 0;
    this.#isKeypadApplication = false;
    this.#unfinished = "";
  }

  /** `text` begins with ESC; `isCut`: more output follows that is not in it. */
  #scan(text: string, isCut: boolean): void {
    this.#unfinished = "";
    const match = SEQUENCE.exec(text);
    if (!match) {
      if (!isCut && text.length < MAX_SEQUENCE_BYTES && UNFINISHED.test(text)) this.#unfinished = text;
      return;
    }
    const [, modes, change, keyboard, softReset, single] = match;
    if (modes !== undefined) for (const mode of modes.split(";")) this.#setMode(Number(mode), change === "h");
    else if (keyboard === ">") this.#keyboardLevels += 1;
    else if (keyboard === "<") this.#keyboardLevels = Math.max(0, this.#keyboardLevels - 1);
    else if (softReset !== undefined || single === "c") this.forget();
    else this.#isKeypadApplication = single === "=";
  }

  #setMode(mode: number, isOn: boolean): void {
    if (isOn === ON_BY_DEFAULT.has(mode)) this.#changed.delete(mode);
    else if (this.#changed.size < 64) this.#changed.add(mode);
  }
}
