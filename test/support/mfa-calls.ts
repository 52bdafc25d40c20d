// What tests do with MfaService, on a clock that they move.
import { randomUUID } from "node:crypto";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { MfaServiceService } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { ControlPlane } from "./control-plane.ts";
import { ok } from "./grpc-call.ts";
import { manualClock } from "./manual-clock.ts";
import { type Authenticator, authenticatorOf } from "./mfa.ts";

export const MFA_REQUIRED = { code: 9, message: "mfa verification required", reason: "MFA_REQUIRED" };
export const MINUTE_MS = 60_000;

/** JWTs are checked by the machine's clock, too: this one begins there. */
export const clock = manualClock(Date.now());

export function mfaCalls(plane: ControlPlane) {
  const enroll = (token: string) => plane.call(MfaServiceService.enroll, {}, { token });
  const confirm = (token: string, code: string) => plane.call(MfaServiceService.confirmEnrollment, { code }, { token });
  const calls = {
    enroll,
    confirm,
    disable: (token: string, code: string) => plane.call(MfaServiceService.disable, { code }, { token }),
    lock: (token: string, agentId: string) => plane.call(MfaServiceService.lockAgent, { agentId }, { token }),
    unlock: (token: string, agentId: string, code: string) =>
      plane.call(MfaServiceService.unlockAgent, { agentId, code }, { token }),
    verify: (token: string, agentId: string, code: string) =>
      plane.call(MfaServiceService.verifyAccess, { agentId, code }, { token }),
    state: (token: string, agentId = "") => plane.call(MfaServiceService.getLockState, { agentId }, { token }),
    async addAgent(token: string): Promise<AgentId> {
      const request = RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` });
      const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
      const id = (agent?.id ?? "") as AgentId;
      plane.online.add(id);
      return id;
    },
    /** A user whose MFA is on; the present step's code is used up by that, and the clock has moved on to the next. */
    async addEnrolled(fields: Partial<Pick<User, "plan" | "admin">> = {}) {
      const { user, token } = await plane.addCaller({ plan: "enterprise", ...fields });
      const { otpauthUrl, recoveryCodes } = await ok(enroll(token));
      const app = authenticatorOf(otpauthUrl);
      await ok(confirm(token, app.code(clock.now())));
      nextStep();
      return { user, token, app, recoveryCodes };
    },
  };
  return {
    ...calls,
    /** An agent that is locked, of an owner who can open it. */
    async lockedAgent() {
      const owner = await calls.addEnrolled();
      const agentId = await calls.addAgent(owner.token);
      await ok(calls.lock(owner.token, agentId));
      return { ...owner, agentId };
    },
  };
}

function nextStep(): void {
  clock.advance(30_000);
}

/** The app's present code, which nothing can be opened with again. */
export function freshCode(app: Authenticator): string {
  nextStep();
  return app.code(clock.now());
}
