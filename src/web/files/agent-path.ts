// Paths on an agent, as people type them.

export const FOLDER_HELP =
  "Leave it empty for the agent’s home folder. A path that does not begin with / begins there.";

/** For the agent, for which a path that does not begin with "/" begins at the home of its user. */
export function agentPath(typed: string): string {
  const path = typed.trim().replace(/^~(\/|$)/, "./");
  return path === "" ? "." : path;
}
