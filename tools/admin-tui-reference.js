// Renders docs/admin-tui.md: a head written by hand, then the keys of every screen, from the TUI's own table.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS, keyLabel } from "../src/admin-tui/keys/commands.ts";
import { SCREENS } from "../src/admin-tui/state/model.ts";

const TITLES = {
  agents: "Agents",
  agent: "An agent's details",
  sessions: "Sessions",
  limits: "Limits",
  events: "Events",
  instances: "Instances",
  tokens: "Tokens",
};

const NEEDS = { write: "the scope `write`", admin: "the scope `admin`", "admin-write": "the scope `admin`" };

export function renderAdminTuiReference(root) {
  const head = readFileSync(join(root, "tools/admin-tui-head.md"), "utf8").trimEnd();
  const screens = [...SCREENS, "agent"];
  const isEverywhere = ({ screens: those }) => those === undefined || those.length === screens.length;
  const parts = [
    section("Everywhere", COMMANDS.filter(isEverywhere)),
    ...screens.map((screen) =>
      section(
        TITLES[screen],
        COMMANDS.filter((command) => !isEverywhere(command) && command.screens.includes(screen)),
      ),
    ),
  ];
  return `${[head, "## Keys", ...parts.filter((part) => part !== "")].join("\n\n")}\n`;
}

function section(title, commands) {
  if (commands.length === 0) return "";
  const rows = commands.map(({ id, keys, description, needs, isDangerous }) => {
    const notes = [...(isDangerous ? ["asks first"] : []), ...(needs === undefined ? [] : [NEEDS[needs]])];
    return `| ${keys.map((key) => `\`${keyLabel(key)}\``).join(" ")} | \`${id}\` | ${description} | ${notes.join("; ")} |`;
  });
  return [`### ${title}`, "", "| keys | command | what it does | |", "|---|---|---|---|", ...rows].join("\n");
}
