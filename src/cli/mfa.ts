// Second factors, and the agents that are locked behind them.

import { type GetLockStateResponse, MfaServiceService } from "../gen/rexec/mfa/v1/mfa_service.ts";
import { shortDuration } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { findAgentId } from "./find-agent.ts";
import { type Column, renderRecord } from "./output.ts";
import { readCode } from "./read-secret.ts";

export async function printMfaStatus(
  agent: string | undefined,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const state = await withApi(flags, context, async (api) => {
    const agentId = agent === undefined ? "" : await findAgentId(api, agent);
    return api.call(MfaServiceService.getLockState, { agentId });
  });
  const columns = [...ACCOUNT, ...(agent === undefined ? [] : LOCK)];
  const json = (row: GetLockStateResponse) => stateJson(row, agent !== undefined);
  const name = (row: GetLockStateResponse) => (row.enrolled ? "on" : "off");
  context.print(renderRecord({ row: state, columns, json, name }, formatOf(flags)));
}

/** The one time that the secret and the recovery codes are seen. */
export async function enrollMfa(flags: GlobalFlags, context: CommandContext): Promise<void> {
  const made = await withApi(flags, context, (api) => api.call(MfaServiceService.enroll, {}));
  if (formatOf(flags).startsWith("json")) {
    const { otpauthUrl, recoveryCodes } = made;
    context.print(`${JSON.stringify({ otpauth_url: otpauthUrl, recovery_codes: recoveryCodes })}\n`);
    return;
  }
  const picture = made.qrText.split("\n").map(harmless).join("\n").trimEnd();
  const codes = made.recoveryCodes.map((code) => `  ${harmless(code)}\n`).join("");
  context.print(`${picture}\n${harmless(made.otpauthUrl)}\nrecovery codes, each good for one use:\n${codes}`);
  context.tell("this is the only time that they are shown; keep the codes where the app is not\n");
  context.tell("add it to your authenticator app, then turn it on with `rexec mfa confirm`\n");
}

export async function confirmMfa(flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withCode(flags, context, (api, code) => api.call(MfaServiceService.confirmEnrollment, { code }));
  context.tell("your second factor is on; `rexec agents lock AGENT` locks an agent behind it\n");
}

export async function disableMfa(flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withCode(flags, context, (api, code) => api.call(MfaServiceService.disable, { code }));
  context.tell("your second factor is off, and none of your agents is locked\n");
}

export async function lockAgent(agent: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, async (api) =>
    api.call(MfaServiceService.lockAgent, { agentId: await findAgentId(api, agent) }),
  );
  context.tell(`locked ${harmless(agent)}\n`);
}

export async function unlockAgent(agent: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, async (api) => {
    const agentId = await findAgentId(api, agent);
    const code = await readCode(context.signal);
    await proved(api.call(MfaServiceService.unlockAgent, { agentId, code }));
  });
  context.tell(`unlocked ${harmless(agent)}\n`);
}

export async function verifyAccess(agent: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { agentId, grantedUntil } = await withApi(flags, context, async (api) => {
    const id = await findAgentId(api, agent);
    const code = await readCode(context.signal);
    return { agentId: id, ...(await proved(api.call(MfaServiceService.verifyAccess, { agentId: id, code }))) };
  });
  if (formatOf(flags).startsWith("json")) {
    context.print(`${JSON.stringify({ agent_id: agentId, granted_until: grantedUntil })}\n`);
    return;
  }
  const left = grantedUntil === undefined ? "a while" : shortDuration(grantedUntil.getTime() - Date.now());
  context.tell(`${harmless(agent)} is open to this login for ${left}\n`);
}

async function withCode(
  flags: GlobalFlags,
  context: CommandContext,
  use: (api: Api, code: string) => Promise<unknown>,
): Promise<void> {
  await withApi(flags, context, async (api) => proved(use(api, await readCode(context.signal))));
}

/** Where a code was given, "mfa verification required" says that it is not taken. */
async function proved<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof CliError) || error.reason !== "MFA_REQUIRED") throw error;
    const message = "this code is wrong, or has been used";
    const hint = "wait for the app's next code; a machine whose clock is wrong shows wrong ones";
    throw new CliError(error.reason, { message, hint }, { cause: error });
  }
}

const ACCOUNT: readonly Column<GetLockStateResponse>[] = [
  { header: "SECOND FACTOR", value: ({ enrolled }) => (enrolled ? "on" : "off") },
  {
    header: "LOCKED OUT",
    value: ({ lockedOutFor }) =>
      lockedOutFor === undefined
        ? "no"
        : `for ${shortDuration(lockedOutFor.seconds * 1000)}, after too many wrong codes`,
  },
];

const LOCK: readonly Column<GetLockStateResponse>[] = [
  { header: "AGENT", value: ({ locked }) => (locked ? "locked" : "not locked") },
  { header: "OPEN TO YOU UNTIL", value: ({ grantedUntil }) => grantedUntil?.toISOString() ?? "" },
];

function stateJson(state: GetLockStateResponse, hasAgent: boolean): Record<string, unknown> {
  return {
    enrolled: state.enrolled,
    locked_out_for_s: state.lockedOutFor?.seconds,
    ...(hasAgent ? { locked: state.locked, locked_at: state.lockedAt, granted_until: state.grantedUntil } : {}),
  };
}
