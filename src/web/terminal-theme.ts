// How terminals look, by day and by night.

import type { ITheme, ITerminalOptions } from "@xterm/xterm";

const DARK: ITheme = {
  background: "#10171c",
  foreground: "#d7e0e2",
  cursor: "#5fd3a6",
  cursorAccent: "#10171c",
  selectionBackground: "#31535e",
  scrollbarSliderBackground: "#8fa1a940",
  scrollbarSliderHoverBackground: "#8fa1a980",
  scrollbarSliderActiveBackground: "#8fa1a9a0",
  black: "#1c262c",
  red: "#f2777a",
  green: "#7fd6a4",
  yellow: "#e8c074",
  blue: "#79b4f2",
  magenta: "#cfa0e8",
  cyan: "#6fd0d6",
  white: "#c9d4d6",
  brightBlack: "#6f828b",
  brightRed: "#ff9a9c",
  brightGreen: "#a5ecc2",
  brightYellow: "#f7d999",
  brightBlue: "#a5cfff",
  brightMagenta: "#e2c1f5",
  brightCyan: "#9ceaee",
  brightWhite: "#ffffff",
};

const LIGHT: ITheme = {
  background: "#fbfcfb",
  foreground: "#1d282c",
  cursor: "#0b7a5a",
  cursorAccent: "#fbfcfb",
  selectionBackground: "#bfdcd4",
  scrollbarSliderBackground: "#59686d40",
  scrollbarSliderHoverBackground: "#59686d80",
  scrollbarSliderActiveBackground: "#59686da0",
  black: "#1d282c",
  red: "#b3261e",
  green: "#1c7a3e",
  yellow: "#7d5a00",
  blue: "#1d5fae",
  magenta: "#8a3aa8",
  cyan: "#0d7077",
  white: "#66757a",
  brightBlack: "#5c6a6f",
  brightRed: "#cf3a31",
  brightGreen: "#258a4b",
  brightYellow: "#936c06",
  brightBlue: "#2f74c9",
  brightMagenta: "#a04dc0",
  brightCyan: "#16828a",
  brightWhite: "#1d282c",
};

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function currentTheme(): ITheme {
  return prefersDark.matches ? DARK : LIGHT;
}

/** Returns what ends it. */
export function onThemeChange(listener: (theme: ITheme) => void): () => void {
  const tell = (): void => listener(currentTheme());
  prefersDark.addEventListener("change", tell);
  return () => prefersDark.removeEventListener("change", tell);
}

export const TERMINAL_LOOKS: ITerminalOptions = {
  fontFamily: 'ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSize: 13,
  lineHeight: 1.2,
  cursorBlink: true,
  // Programs choose colours for a background that they don't know.
  minimumContrastRatio: 4.5,
};
