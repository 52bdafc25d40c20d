// Whether a command can be given now, by this user.

import { connectionOf } from "../state/connection.ts";
import type { AdminState } from "../state/model.ts";
import { type Command, type CommandId, commandsOn } from "./commands.ts";

/** Undefined: it can. Else why it can't, for people. */
export function refusalOf(command: Command, state: AdminState): string | undefined {
  const { needs } = command;
  if (needs === undefined) return undefined;
  const { me } = state;
  if (needs !== "write" && !me.isAdmin) return "this needs a token with the admin scope";
  if (needs === "admin") return undefined;
  if (me.isReadOnly) return "this is --readonly";
  if (!me.mayWrite) return "this needs a token with the write scope";
  return connectionOf(state).kind === "live" ? undefined : "not connected: changes wait until the server is back";
}

/** What is shown and offered. What somebody may never do is hidden; what waits for the server is not. */
export function offeredCommands(state: AdminState): (Command & { id: CommandId })[] {
  const { me } = state;
  return commandsOn(state.screen).filter(({ needs }) => {
    if (needs === undefined) return true;
    if (needs !== "write" && !me.isAdmin) return false;
    return needs === "admin" || me.mayWrite;
  });
}
