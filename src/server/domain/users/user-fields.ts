// Which values a user's fields may have.

import { nameProblem, textProblem } from "../../../protocol/names.ts";
import { DomainError } from "../domain-error.ts";
import type { PlanStore } from "../plans/plan.ts";
import type { UserChanges } from "./user-accounts.ts";

/** RFC 5321: what fits between the angle brackets of a path. */
const MAX_EMAIL_LENGTH = 254;
/** Whether mail arrives is not ours to know; "admin@localhost" is one. */
const EMAIL = /^[^\s@]+@[^\s@]+$/;

/** Throws INVALID_ARGUMENT that names every field that is wrong. */
export async function checkUserFields(deps: { plans: Pick<PlanStore, "get"> }, fields: UserChanges): Promise<void> {
  const { email, username, plan } = fields;
  const problems: Record<string, string | undefined> = {
    email: email === undefined ? undefined : emailProblem(email),
    username: username === undefined ? undefined : nameProblem(username),
    plan: plan === undefined || (await deps.plans.get(plan)) !== undefined ? undefined : "is no plan",
  };
  const violations = Object.entries(problems).flatMap(([field, description]) =>
    description === undefined ? [] : [{ field: `user.${field}`, description }],
  );
  if (violations.length > 0) throw new DomainError("INVALID_ARGUMENT", { violations });
}

function emailProblem(email: string): string | undefined {
  return textProblem(email, MAX_EMAIL_LENGTH) ?? (EMAIL.test(email) ? undefined : "must be an email address");
}
