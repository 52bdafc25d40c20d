// Changes on the server, one or many: some at a time, with progress, and every failure told.

import { Agent, AgentServiceService } from "../../gen/rexec/agent/v1/agent_service.ts";
import { InstanceServiceService } from "../../gen/rexec/instance/v1/instance_service.ts";
import { MfaServiceService } from "../../gen/rexec/mfa/v1/mfa_service.ts";
import { PlanServiceService } from "../../gen/rexec/plan/v1/plan_service.ts";
import { SessionServiceService } from "../../gen/rexec/session/v1/session_service.ts";
import { TokenServiceService } from "../../gen/rexec/token/v1/token_service.ts";
import { User, UserServiceService } from "../../gen/rexec/user/v1/user_service.ts";
import type { Change, Effect } from "../state/effects.ts";
import type { Message } from "../state/messages.ts";
import { type ApiFailure, type ControlPlane, failureOf } from "./control-plane.ts";

/** Of many changes at once: quick, and no storm. */
const AT_A_TIME = 8;

export interface ChangeDeps {
  api: ControlPlane;
  dispatch: (message: Message) => void;
  now: () => number;
}

export async function makeChanges(deps: ChangeDeps, effect: Extract<Effect, { kind: "change" }>): Promise<void> {
  const { changes, label, done } = effect;
  const { dispatch, now } = deps;
  const sinceMs = now();
  const failures: ApiFailure[] = [];
  let finished = 0;
  const tell = (): void =>
    dispatch({ kind: "pending", pending: { label, done: finished, total: changes.length, sinceMs } });
  tell();
  const queue = [...changes];
  const work = async (): Promise<void> => {
    for (let change = queue.shift(); change !== undefined; change = queue.shift()) {
      await makeChange(deps.api, change).catch((error: unknown) => void failures.push(failureOf(error)));
      finished += 1;
      tell();
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, changes.length) }, work));
  dispatch({ kind: "pending", pending: undefined });
  const [first] = failures;
  if (first === undefined) return dispatch({ kind: "notice", notice: { kind: "ok", text: done }, nowMs: now() });
  const doing = changes.length === 1 ? label : `${label}: ${failures.length} of ${changes.length} failed`;
  // Many fail for few reasons: each is told once.
  const message = [...new Set(failures.map((failure) => failure.message))].join("; ");
  dispatch({ kind: "failed", doing, failure: { ...first, message }, nowMs: now() });
}

function makeChange(api: ControlPlane, change: Change): Promise<unknown> {
  switch (change.kind) {
    case "terminate-session": {
      const { agentId, sessionId } = change;
      return api.call(SessionServiceService.terminateSession, { agentId, sessionId });
    }
    case "disconnect-agent":
      return api.call(AgentServiceService.disconnectAgent, { agentId: change.agentId });
    case "rename-agent": {
      const agent = Agent.fromPartial({ id: change.agentId, name: change.name });
      return api.call(AgentServiceService.updateAgent, { agent, updateMask: ["name"] });
    }
    case "delete-agent":
      return api.call(AgentServiceService.deleteAgent, { agentId: change.agentId });
    case "lock-agent":
      return api.call(MfaServiceService.lockAgent, { agentId: change.agentId });
    case "unlock-agent":
      return api.call(MfaServiceService.unlockAgent, { agentId: change.agentId, code: change.code });
    case "set-user-plan": {
      const user = User.fromPartial({ id: change.userId, plan: change.plan });
      return api.call(UserServiceService.updateUser, { user, updateMask: ["plan"] });
    }
    case "set-plan": {
      const { name, maxAgents, maxTerminalAgents } = change;
      return api.call(PlanServiceService.setPlan, { plan: { name, maxAgents, maxTerminalAgents } });
    }
    case "revoke-token":
      return api.call(TokenServiceService.revokeToken, { tokenId: change.tokenId });
    case "drain-instance":
      return api.call(InstanceServiceService.drainInstance, { instanceId: change.instanceId });
    default:
      return change satisfies never;
  }
}
