// What can be done with plans, tokens and instances.

import { userName } from "../../tables/names.ts";
import { targetIds } from "../lists.ts";
import { type Update, noEffect } from "../messages.ts";
import type { AdminState } from "../model.ts";
import { textField } from "../overlay.ts";
import { cursorId } from "../view.ts";
import { askToConfirm, counted } from "./dialogs.ts";

export function changeUserPlan(state: AdminState): Update {
  const row = state.limits.get(cursorId(state, "limits") ?? "");
  if (row === undefined) return noEffect(state);
  return noEffect({
    ...state,
    overlay: {
      kind: "form",
      form: { name: "user-plan", userId: row.id, userName: userName(state, row.id) },
      title: `Plan of ${userName(state, row.id)}`,
      lines: [knownPlans(state), "What runs goes on; what is new is measured by the new plan."],
      fields: [textField("plan", row.plan)],
      focus: 0,
      problem: undefined,
    },
  });
}

/** The numbers of the plan that the user under the cursor has. */
export function changePlanLimits(state: AdminState): Update {
  const row = state.limits.get(cursorId(state, "limits") ?? "");
  const name = row?.plan ?? "";
  const plan = state.plans.get(name);
  return noEffect({
    ...state,
    overlay: {
      kind: "form",
      form: { name: "plan-limits" },
      title: "A plan's limits",
      lines: [knownPlans(state), "They hold for everybody who has the plan, at once; nothing that runs is ended."],
      fields: [
        textField("plan", name),
        textField("agents", plan === undefined ? "" : String(plan.maxAgents)),
        textField("in use at once", plan === undefined ? "" : String(plan.maxTerminalAgents)),
      ],
      focus: plan === undefined ? 0 : 1,
      problem: undefined,
    },
  });
}

function knownPlans(state: AdminState): string {
  if (state.plans.size === 0) return "";
  const plans = [...state.plans.values()].map(({ name, maxAgents }) => `${name} ${maxAgents}`);
  return `Plans: ${plans.join(", ")}.`;
}

export function createToken(state: AdminState): Update {
  const scopes = state.me.isAdmin ? "read, write, admin" : "read, write";
  return noEffect({
    ...state,
    overlay: {
      kind: "form",
      form: { name: "token" },
      title: "A new token",
      lines: [`Scopes: ${scopes}; write implies read. It is shown once.`],
      fields: [textField("name"), textField("scopes", "read"), textField("days", "30", { placeholder: "never ends" })],
      focus: 0,
      problem: undefined,
    },
  });
}

export function revokeTokens(state: AdminState): Update {
  const tokens = targetIds(state).flatMap((id) => state.tokens?.get(id) ?? []);
  const open = tokens.filter(({ revokedAtMs }) => revokedAtMs === undefined);
  const [first] = open;
  if (first === undefined) return noEffect(state);
  const what = open.length === 1 ? `${first.name} (${first.prefix})` : counted(open.length, "token");
  return askToConfirm(state, {
    title: `Revoke ${what}?`,
    lines: ["It ends within two seconds, and every connection that it opened with it."],
    action: "Revoke",
    typed: open.length > 1 ? String(open.length) : undefined,
    effect: {
      kind: "change",
      changes: open.map(({ id }) => ({ kind: "revoke-token", tokenId: id })),
      label: `revoking ${what}`,
      done: `revoked ${what}`,
    },
  });
}

export function drainInstance(state: AdminState): Update {
  const row = state.instances.get(cursorId(state, "instances") ?? "");
  if (row === undefined) return noEffect(state);
  const others = [...state.instances.values()].filter(({ id, state: its }) => id !== row.id && its === "up").length;
  return askToConfirm(state, {
    title: `Drain ${row.id}?`,
    lines: [
      `It takes nothing new, and asks ${counted(row.agents, "agent")} and their viewers to go elsewhere.`,
      others === 0
        ? "There is no other instance up: nobody could go anywhere."
        : `${counted(others, "instance")} besides it: up.`,
    ],
    action: "Drain",
    typed: row.id,
    effect: {
      kind: "change",
      changes: [{ kind: "drain-instance", instanceId: row.id }],
      label: `draining ${row.id}`,
      done: `${row.id} drains`,
    },
  });
}
