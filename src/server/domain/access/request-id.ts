// The id that makes a retry of a creation create nothing twice.

import { parseUuid } from "../../../protocol/ids.ts";
import { invalidField } from "../domain-error.ts";

/** Empty means none. Throws INVALID_ARGUMENT for anything else but a UUID. */
export function parseRequestId(text: string): string | undefined {
  if (text === "") return undefined;
  const id = parseUuid(text);
  if (id === undefined) throw invalidField("request_id", "must be a UUID");
  return id;
}
