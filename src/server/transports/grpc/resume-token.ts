// Resume tokens of watches: where a watcher was, sealed, so that none comes back that this server did not make.

import { DomainError } from "../../domain/domain-error.ts";
import type { PageCursor } from "../../domain/page.ts";
import { openPageToken, sealPageToken } from "./page-token.ts";

/** What the place is of: a token is good for the same watch, caller and filter only. */
export interface Watched {
  name: string;
  userId: string;
  filter: string;
}

export function sealResumeToken(key: string, watched: Watched, place: PageCursor): string {
  return sealPageToken(key, queryText(watched), place);
}

/** Undefined for "". Throws INVALID_ARGUMENT for what is no token of this watch. */
export function openResumeToken(key: string, watched: Watched, token: string): PageCursor | undefined {
  try {
    return openPageToken(key, queryText(watched), token);
  } catch (cause) {
    const violations = [{ field: "resume_token", description: "is none of this watch's" }];
    throw new DomainError("INVALID_ARGUMENT", { violations }, { cause });
  }
}

function queryText({ name, userId, filter }: Watched): string {
  return JSON.stringify(["watch", name, userId, filter]);
}
