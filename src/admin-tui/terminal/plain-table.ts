// Where the output is no terminal: the agents once, as a plain table.

import { fit } from "../../text/columns.ts";
import { type Agent, AgentServiceService } from "../../gen/rexec/agent/v1/agent_service.ts";
import { InstanceServiceService } from "../../gen/rexec/instance/v1/instance_service.ts";
import { type Session, SessionServiceService } from "../../gen/rexec/session/v1/session_service.ts";
import { type User, UserServiceService } from "../../gen/rexec/user/v1/user_service.ts";
import { allPages } from "../api/all-pages.ts";
import type { ControlPlane } from "../api/control-plane.ts";
import { agentRow } from "../state/agent-row.ts";
import type { AdminState } from "../state/model.ts";
import { instanceRow, userRow } from "../state/other-rows.ts";
import { sessionKey, sessionRow } from "../state/session-row.ts";
import { liveOrder } from "../state/view.ts";
import { AGENTS } from "../tables/agents.ts";

/** Rejects with an ApiFailure. */
export async function plainTable(api: ControlPlane, initial: AdminState): Promise<string> {
  const everything = { filter: "", orderBy: "" };
  const { nowMs } = initial;
  const [agents, sessions, users, instances] = await Promise.all([
    allPages(
      (page) => api.call(AgentServiceService.listAgents, { ...page, ...everything }),
      (page) => page.agents,
    ),
    allPages(
      (page) => api.call(SessionServiceService.listSessions, { ...page, ...everything }),
      (page) => page.sessions,
    ),
    initial.me.isAdmin
      ? allPages(
          (page) => api.call(UserServiceService.listUsers, { ...page, ...everything }),
          (page) => page.users,
        )
      : [],
    initial.me.isAdmin
      ? allPages(
          (page) => api.call(InstanceServiceService.listInstances, { ...page, ...everything }),
          (page) => page.instances,
        )
      : [],
  ]);
  const state: AdminState = {
    ...initial,
    agents: new Map(agents.map((agent: Agent) => [agent.id, agentRow(agent, undefined)])),
    sessions: new Map(
      sessions.map((session: Session) => [
        sessionKey(session.agentId, session.id),
        sessionRow(session, undefined, nowMs),
      ]),
    ),
    users: new Map(users.map((user: User) => [user.id, userRow(user)])),
    instances: new Map(instances.map((instance) => [instance.id, instanceRow(instance)])),
  };
  return render(state);
}

/** As wide as its widest cells; statuses as words. */
function render(state: AdminState): string {
  const columns = AGENTS.columns.filter(({ key }) => key !== "state" && key !== "trend");
  const rows = liveOrder(state, "agents").ids.flatMap((id) => AGENTS.row(state, id) ?? []);
  const cells = rows.map((row) =>
    columns.map((column) => (column.plain?.(row, state) ?? column.cell(row, state).text) || "-"),
  );
  const table = [columns.map(({ header }) => header), ...cells];
  const widths = columns.map((_, i) => Math.max(...table.map((line) => (line[i] ?? "").length)));
  return table
    .map(
      (line) =>
        `${line
          .map((cell, i) => fit(cell, widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
