// PlanService: decodes, calls the domain, encodes.

import { type CheckPlanRequest, PlanAction, type PlanServiceService } from "../../../gen/rexec/plan/v1/plan_service.ts";
import { errorRow } from "../../../protocol/errors.ts";
import type { UserId } from "../../../protocol/ids.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { checkPlan, type CheckPlanDeps, type PlanQuestion } from "../../domain/plans/check-plan.ts";
import { listPlans } from "../../domain/plans/list-plans.ts";
import type { PlanStore, TerminalSlots } from "../../domain/plans/plan.ts";
import { getLimits, listLimits, type ReadLimitsDeps } from "../../domain/plans/read-limits.ts";
import { setPlan, type SetPlanDeps } from "../../domain/plans/set-plan.ts";
import { watchedLimits } from "../../domain/plans/watch-limits.ts";
import type { ChangeLogs } from "../../domain/watches/change-logs.ts";
import type { Handlers } from "./call-context.ts";
import { LIMITS_LIST } from "./limits-filter.ts";
import { limitsMessage } from "./limits-message.ts";
import { nextPageToken, parseFilter, parseListRequest } from "./list-request.ts";
import { pageOfPlans, PLAN_LIST } from "./plan-list.ts";
import { serveStateWatch } from "./state-watch.ts";

export interface PlanServiceDeps extends CheckPlanDeps, ReadLimitsDeps, SetPlanDeps {
  plans: PlanStore;
  slots: TerminalSlots;
  changeLogs: ChangeLogs;
  pageTokenKey: string;
}

export function planService(deps: PlanServiceDeps): Handlers<typeof PlanServiceService> {
  return {
    async checkPlan({ caller, request }) {
      const { denied, limits } = await checkPlan(deps, { caller, question: questionOf(request) });
      const message = denied === undefined ? "" : errorRow(denied).message;
      return { allowed: denied === undefined, reason: denied ?? "", message, limits: limitsMessage(limits) };
    },
    async getLimits({ caller, request }) {
      return { limits: limitsMessage(await getLimits(deps, { caller, userId: request.userId })) };
    },
    async listLimits({ caller, request }) {
      const query = parseListRequest(LIMITS_LIST, request, deps.pageTokenKey);
      const page = await listLimits(deps, { caller, query });
      return {
        limits: page.rows.map(limitsMessage),
        nextPageToken: nextPageToken(LIMITS_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    watchLimits({ caller, request, signal }, send) {
      const filter = parseFilter(LIMITS_LIST, request.filter);
      const source = watchedLimits({ ...deps, changes: deps.changeLogs.limits }, { caller, filter });
      const watched = { name: "limits", userId: caller.user.id, filter: request.filter };
      const { resumeToken } = request;
      return serveStateWatch(
        source,
        {
          watched,
          resumeToken,
          signal,
          tokenKey: deps.pageTokenKey,
          encode: limitsMessage,
          encodeRemoved: removedUser,
        },
        send,
      );
    },
    async listPlans({ caller, request }) {
      const query = parseListRequest(PLAN_LIST, request, deps.pageTokenKey);
      const page = pageOfPlans(await listPlans(deps, { caller }), query);
      return {
        plans: [...page.rows],
        nextPageToken: nextPageToken(PLAN_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async setPlan({ caller, request, signal }) {
      if (request.plan === undefined) throw invalidField("plan", "must be set");
      return { plan: await setPlan(deps, { caller, plan: request.plan, signal }) };
    },
  };
}

function removedUser(userId: UserId): { userId: string } {
  return { userId };
}

function questionOf({ action, agentId }: CheckPlanRequest): PlanQuestion {
  switch (action) {
    case PlanAction.PLAN_ACTION_REGISTER_AGENT:
      if (agentId !== "") throw invalidField("agent_id", "is for PLAN_ACTION_OPEN_TERMINAL only");
      return { action: "register_agent" };
    case PlanAction.PLAN_ACTION_OPEN_TERMINAL:
      return { action: "open_terminal", agentId };
    default:
      throw invalidField("action", "must be PLAN_ACTION_REGISTER_AGENT or PLAN_ACTION_OPEN_TERMINAL");
  }
}
