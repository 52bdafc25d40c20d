// Every migration, by name, in order. Listed and not read from the directory: the list is the same from source,
// from dist and from a packed tarball. What has been released is never edited; a change is a new file.

import type { Migration } from "kysely/migration";
import * as plans from "./0001-plans.ts";
import * as users from "./0002-users.ts";
import * as agents from "./0003-agents.ts";
import * as apiTokens from "./0004-api-tokens.ts";
import * as auditLog from "./0005-audit-log.ts";
import * as auditOrder from "./0006-audit-order.ts";
import * as mfa from "./0007-mfa.ts";
import * as userAccounts from "./0008-user-accounts.ts";
import * as instances from "./0009-instances.ts";
import * as enrollmentCodes from "./0010-enrollment-codes.ts";
import * as shares from "./0011-shares.ts";
import * as recordings from "./0012-recordings.ts";

export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-plans": plans,
  "0002-users": users,
  "0003-agents": agents,
  "0004-api-tokens": apiTokens,
  "0005-audit-log": auditLog,
  "0006-audit-order": auditOrder,
  "0007-mfa": mfa,
  "0008-user-accounts": userAccounts,
  "0009-instances": instances,
  "0010-enrollment-codes": enrollmentCodes,
  "0011-shares": shares,
  "0012-recordings": recordings,
};
