// MfaService: decodes, calls the domain, encodes.

import type { MfaServiceService } from "../../../gen/rexec/mfa/v1/mfa_service.ts";
import type { Secrets } from "../../domain/access/token.ts";
import { confirmEnrollment } from "../../domain/mfa/confirm-enrollment.ts";
import { disableMfa } from "../../domain/mfa/disable-mfa.ts";
import { enroll, type EnrollDeps } from "../../domain/mfa/enroll.ts";
import { lockAgent, type LockAgentDeps } from "../../domain/mfa/lock-agent.ts";
import { lockState, type LockStateDeps } from "../../domain/mfa/lock-state.ts";
import type { MfaStore, Totp } from "../../domain/mfa/mfa.ts";
import { unlockAgent, type UnlockAgentDeps } from "../../domain/mfa/unlock-agent.ts";
import { verifyAccess } from "../../domain/mfa/verify-access.ts";
import type { Handlers } from "./call-context.ts";

export interface MfaServiceDeps extends EnrollDeps, LockAgentDeps, LockStateDeps, UnlockAgentDeps {
  mfa: MfaStore;
  totp: Totp;
  secrets: Secrets;
}

export function mfaService(deps: MfaServiceDeps): Handlers<typeof MfaServiceService> {
  return {
    enroll: ({ caller, signal }) => enroll(deps, { caller, signal }),
    async confirmEnrollment({ caller, request, signal }) {
      await confirmEnrollment(deps, { caller, code: request.code, signal });
      return {};
    },
    async disable({ caller, request, signal }) {
      await disableMfa(deps, { caller, code: request.code, signal });
      return {};
    },
    async lockAgent({ caller, request, signal }) {
      await lockAgent(deps, { caller, agentId: request.agentId, signal });
      return {};
    },
    async unlockAgent({ caller, request, signal }) {
      await unlockAgent(deps, { ...request, caller, signal });
      return {};
    },
    verifyAccess: ({ caller, request, signal }) => verifyAccess(deps, { ...request, caller, signal }),
    async getLockState({ caller, request }) {
      const { lockedOutForMs, ...state } = await lockState(deps, { caller, agentId: request.agentId });
      return { ...state, lockedOutFor: lockedOutForMs === undefined ? undefined : durationOf(lockedOutForMs) };
    },
  };
}

function durationOf(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.trunc(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}
