// What a form asks for when it is sent: the effect, or what is wrong with it.

import type { Effect } from "../effects.ts";
import { exportText } from "../export-list.ts";
import type { AdminState } from "../model.ts";
import type { Form } from "../overlay.ts";

/** An account's code has six digits; a recovery code is longer. */
const CODE = /^[0-9A-Za-z-]{6,64}$/;
const SCOPES = ["read", "write", "admin"];
const MAX_COUNT = 1_000_000;
const MAX_DAYS = 3650;

export function submitForm(state: AdminState, { form, fields }: Form): Effect | { problem: string } {
  const [first = "", second = "", third = ""] = fields.map(({ value }) => value.trim());
  switch (form.name) {
    case "rename":
      if (first === "") return { problem: "a name has at least one character" };
      return one({ kind: "rename-agent", agentId: form.agentId, name: first }, `renaming`, `renamed to ${first}`);
    case "unlock":
      if (!CODE.test(first)) return { problem: NO_CODE };
      return one(
        { kind: "unlock-agent", agentId: form.agentId, code: first },
        `unlocking ${form.agentName}`,
        `unlocked ${form.agentName}`,
      );
    case "terminal-code":
      return CODE.test(first) ? { kind: "open-terminal", terminal: form.terminal, code: first } : { problem: NO_CODE };
    case "user-plan":
      if (first === "") return { problem: "which plan?" };
      return one(
        { kind: "set-user-plan", userId: form.userId, plan: first },
        `changing the plan of ${form.userName}`,
        `${form.userName} has the plan ${first}`,
      );
    case "plan-limits": {
      const maxAgents = count(second);
      const maxTerminalAgents = count(third === "" ? second : third);
      if (first === "") return { problem: "which plan?" };
      if (maxAgents === undefined || maxTerminalAgents === undefined)
        return { problem: `numbers from 0 to ${MAX_COUNT}, please` };
      return one(
        { kind: "set-plan", name: first, maxAgents, maxTerminalAgents },
        `changing ${first}`,
        `${first}: ${maxAgents} agents, ${maxTerminalAgents} in use at once`,
      );
    }
    case "token": {
      const scopes = second.split(/[\s,]+/).filter((scope) => scope !== "");
      const days = third === "" ? undefined : count(third);
      if (first === "") return { problem: "a name tells it from the others" };
      if (scopes.length === 0 || scopes.some((scope) => !SCOPES.includes(scope)))
        return { problem: `scopes are of ${SCOPES.join(", ")}` };
      if (third !== "" && (days === undefined || days < 1 || days > MAX_DAYS))
        return { problem: `days: 1 to ${MAX_DAYS}, or nothing for one that never ends` };
      return { kind: "create-token", name: first, scopes, expiresInDays: days };
    }
    case "export":
      if (first === "") return { problem: "into which file?" };
      return { kind: "export", path: first, text: exportText(state, state.screen, first) };
    default:
      return form satisfies never;
  }
}

const NO_CODE = "a code has six digits; a recovery code is letters and digits";

function one(change: Extract<Effect, { kind: "change" }>["changes"][number], label: string, done: string): Effect {
  return { kind: "change", changes: [change], label, done };
}

function count(text: string): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value <= MAX_COUNT ? value : undefined;
}
