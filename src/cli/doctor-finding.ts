// What one look of `rexec doctor` found.

export interface Finding {
  check: string;
  /** skipped: it can't be told until another one is mended. */
  state: "ok" | "failed" | "skipped";
  found: string;
  /** What to do; unset where nothing has to be done. */
  hint?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, state: "ok", found });
export const failed = (check: string, found: string, hint: string): Finding => ({
  check,
  state: "failed",
  found,
  hint,
});
export const skipped = (check: string, found: string): Finding => ({ check, state: "skipped", found });

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
