// How often callers may try what costs or what could be guessed, and what they hear when it was too often.

import type { ShareId, UserId } from "../../../protocol/ids.ts";
import { DomainError } from "../domain-error.ts";
import type { RateLimits } from "./rate-limits.ts";

/** Where a caller comes from. */
export interface Peer {
  address: string;
  /** What attempts are counted by: the address, or of IPv6 the /64 that one customer has to himself. */
  network: string;
}

export interface AttemptLimits {
  /** Credentials that were none, by network. Successes don't count. */
  authFailures: RateLimits;
  /** Of tokens never seen here, by networks that had too many failures. */
  lookUps: RateLimits;
  registrations: ActionLimits;
  /** Of terminals, and apart from them of tickets for terminals. */
  opens: ActionLimits;
  /** Codes of second factors, right or wrong; beside the lock-out, which counts wrong ones. */
  codes: ActionLimits;
  /** Enrolment codes, right or wrong; wrong ones are failures of their address, too. */
  enrollments: ActionLimits;
}

export interface ActionLimits {
  byAccount: RateLimits;
  byNetwork: RateLimits;
}

/** What is limited although the caller may do it. */
export type LimitedAction = "registration" | "terminal" | "ticket" | "code" | "enrollment";

/** Those who have shown nothing yet count as one account: who guesses from many addresses is slow all the same. */
export const STRANGERS = "strangers";

/**
 * Takes one of the account's and of the network's share. Throws TOO_MANY_ATTEMPTS, and then has taken nothing, unless others
 * took what was left at the same moment: then the other share is one shorter. Guests have an account of their share's: they
 * use up nothing of who shares with them.
 */
export async function takeAttempt(
  limits: AttemptLimits,
  { action, account: id, peer }: { action: LimitedAction; account: UserId | ShareId | typeof STRANGERS; peer: Peer },
): Promise<void> {
  const { byAccount, byNetwork } = limitsOf(limits, action);
  const [account, network] = [`${action}:${id}`, `${action}:${peer.network}`];
  const waitMs = async () => Math.max(...(await Promise.all([byAccount.waitMs(account), byNetwork.waitMs(network)])));
  const beforeMs = await waitMs();
  if (beforeMs > 0) throw tooManyAttempts(beforeMs);
  const taken = await Promise.all([byAccount.tryTake(account), byNetwork.tryTake(network)]);
  if (taken.includes(false)) throw tooManyAttempts(await waitMs());
}

function limitsOf({ registrations, opens, codes, enrollments }: AttemptLimits, action: LimitedAction): ActionLimits {
  switch (action) {
    case "registration":
      return registrations;
    case "terminal":
    case "ticket":
      return opens;
    case "code":
      return codes;
    case "enrollment":
      return enrollments;
    default:
      return action satisfies never;
  }
}

export function tooManyAttempts(waitMs: number): DomainError {
  return new DomainError("TOO_MANY_ATTEMPTS", { retryAfterS: waitMs / 1000 });
}
