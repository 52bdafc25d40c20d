// A key as commands name it: "j", "G", "enter", "ctrl+d", "shift+tab". A paste is not keys.

export type KeyPress =
  /** One character that can be typed, or the name of a key that types nothing. */
  { kind: "character"; text: string } | { kind: "named"; name: string };

/** The parts of Ink's `Key` that are looked at. */
export interface InkKey {
  upArrow: boolean;
  downArrow: boolean;
  leftArrow: boolean;
  rightArrow: boolean;
  pageDown: boolean;
  pageUp: boolean;
  home: boolean;
  end: boolean;
  return: boolean;
  escape: boolean;
  ctrl: boolean;
  shift: boolean;
  tab: boolean;
  backspace: boolean;
  delete: boolean;
  meta: boolean;
}

const NAMES: readonly (readonly [keyof InkKey, string])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["leftArrow", "left"],
  ["rightArrow", "right"],
  ["pageDown", "pagedown"],
  ["pageUp", "pageup"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "escape"],
  ["backspace", "backspace"],
  ["delete", "delete"],
];

const graphemes = new Intl.Segmenter();

/** Keys that were pressed fast arrive as one text: each is a key of its own. */
export function keyPresses(input: string, key: InkKey): KeyPress[] {
  if (key.tab) return [{ kind: "named", name: key.shift ? "shift+tab" : "tab" }];
  const named = NAMES.find(([flag]) => key[flag]);
  if (named !== undefined) return [{ kind: "named", name: named[1] }];
  if (key.ctrl) return input === "" ? [] : [{ kind: "named", name: `ctrl+${input}` }];
  if (key.meta) return [];
  return [...graphemes.segment(input)].flatMap(({ segment }) => pressOf(segment));
}

function pressOf(segment: string): KeyPress[] {
  if (segment === "\r" || segment === "\n" || segment === "\r\n") return [{ kind: "named", name: "enter" }];
  if (segment === "\t") return [{ kind: "named", name: "tab" }];
  if (segment === "\x7f" || segment === "\b") return [{ kind: "named", name: "backspace" }];
  if (segment === "\x1b") return [{ kind: "named", name: "escape" }];
  const code = segment.charCodeAt(0);
  if (code < 0x20) return [{ kind: "named", name: `ctrl+${String.fromCharCode(code + 0x60)}` }];
  return [{ kind: "character", text: segment }];
}

/** As the table of commands has it: a blank is "space". */
export function keyName(press: KeyPress): string {
  if (press.kind === "named") return press.name;
  return press.text === " " ? "space" : press.text;
}
