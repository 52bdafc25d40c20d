// A sign that something is under way: not for what is over in an instant.

import type { AdminState } from "../state/model.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_FRAMES = ["|", "/", "-", "\\"];
export const SPINNER_AFTER_MS = 200;

export function spinner({ nowMs, looks }: AdminState, text: string): string {
  const frames = looks.isAscii ? ASCII_FRAMES : FRAMES;
  return `${frames[Math.floor(nowMs / 200) % frames.length] ?? ""} ${text}`;
}
