// People and agents by the names that are known of them.

import type { AdminState } from "../state/model.ts";

/** As much of an id as tells it from others, where no name is known. */
const SHORT_ID = 8;

export function userName(state: AdminState, userId: string): string {
  if (userId === "") return "";
  if (userId === state.me.userId) return state.me.name;
  return state.users.get(userId)?.name ?? short(userId);
}

export function agentName(state: AdminState, agentId: string): string {
  return state.agents.get(agentId)?.name ?? short(agentId);
}

/** "agent:ID" and "user:ID" of events, with names in place of the ids that have one. */
export function named(state: AdminState, text: string): string {
  const [kind = "", id = "", ...rest] = text.split(/[:/]/);
  const tail = rest.length === 0 ? "" : `/${rest.join("/")}`;
  switch (kind) {
    case "agent":
    case "session":
      return `${kind}:${agentName(state, id)}${tail}`;
    case "user":
      return `${kind}:${userName(state, id)}`;
    default:
      return id === "" ? text : `${kind}:${short(id)}`;
  }
}

function short(id: string): string {
  return Array.from(id).slice(0, SHORT_ID).join("");
}
