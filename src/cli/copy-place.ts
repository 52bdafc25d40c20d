// Where something is copied from or to: here, or on an agent.

import { CliError } from "./cli-error.ts";

export type CopyPlace =
  | { kind: "here"; path: string }
  /** Standard input or output. */
  | { kind: "stream" }
  | { kind: "agent"; agent: string; path: string };

/** "AGENT:PATH" is on an agent, unless a "/" comes before the ":". Throws CliError, usage. */
export function parsePlace(text: string): CopyPlace {
  if (text === "-") return { kind: "stream" };
  const match = /^([^/:]+):(.*)$/s.exec(text);
  if (match === null) {
    if (text === "") throw new CliError("USAGE", { message: "a path is missing" });
    return { kind: "here", path: text };
  }
  const [, agent = "", path = ""] = match;
  return { kind: "agent", agent, path: path === "" ? "." : path };
}
