// The table of keys.

import { describe, expect, it } from "vitest";
import { emptyState } from "../../../test/support/tui-state.ts";
import { runCommand } from "../state/run-command.ts";
import { SCREENS, type Screen } from "../state/model.ts";
import { COMMANDS, type Command, commandFor, commandsOn, keyLabel } from "./commands.ts";

const ALL: readonly Screen[] = [...SCREENS, "agent"];

describe("the table of commands", () => {
  it.each(ALL)("has no key that means two things on the screen %s", (screen) => {
    const keys = commandsOn(screen).flatMap((command) => command.keys);
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  it("has each name once, and a key and a description for each", () => {
    const ids = COMMANDS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, keys, description } of COMMANDS)
      expect([id, keys.length > 0, description.length > 0]).toEqual([id, true, true]);
  });

  it("leads to every command by each of its keys, on each of its screens", () => {
    for (const command of COMMANDS as readonly Command[])
      for (const screen of command.screens ?? ALL)
        for (const key of command.keys)
          expect([screen, key, commandFor(key, screen)]).toEqual([screen, key, command.id]);
  });

  it("has no command that throws where there is nothing to do it with", () => {
    for (const screen of ALL)
      for (const { id } of commandsOn(screen)) expect(runCommand({ ...emptyState(), screen }, id)).toBeDefined();
  });

  it("calls dangerous what ends or deletes something, and nothing is that needs no right", () => {
    const dangerous = (COMMANDS as readonly Command[]).filter(({ isDangerous }) => isDangerous);
    expect(dangerous.map(({ id }) => id)).toEqual(["terminate", "disconnect", "delete", "drain", "revoke"]);
    expect(dangerous.filter(({ needs }) => needs === undefined)).toEqual([]);
  });

  it("writes keys for people", () => {
    expect(["ctrl+d", "enter", "pagedown", "G", "space", "shift+tab"].map(keyLabel)).toEqual([
      "Ctrl+D",
      "Enter",
      "PgDn",
      "G",
      "Space",
      "Shift+Tab",
    ]);
  });
});
