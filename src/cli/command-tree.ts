// The program's commands as a list: for its help, its reference and its completion.

import { type Command, Help } from "commander";

export interface ListedCommand {
  /** "rexec agents ls". */
  path: string;
  command: Command;
}

/** The program itself, then every command that its help lists, each before those below it. */
export function visibleCommands(program: Command): ListedCommand[] {
  const help = new Help();
  const listed: ListedCommand[] = [];
  const walk = (command: Command, parentPath: string): void => {
    const path = `${parentPath}${command.name()}`;
    listed.push({ path, command });
    for (const below of help.visibleCommands(command)) if (below.name() !== "help") walk(below, `${path} `);
  };
  walk(program, "");
  return listed;
}
