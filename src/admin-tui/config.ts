// What the environment says about looks: the only reader of it here.

import type { Looks } from "./state/model.ts";

/** `NO_COLOR` and `TERM=dumb` as everybody has them; a locale without UTF-8 draws in ASCII. */
export function looksOf(
  flags: { ascii: boolean; color: boolean },
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): Looks {
  const isDumb = env["TERM"] === "dumb";
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  const hasUtf8 = /utf-?8/i.test(locale);
  return {
    hasColor: flags.color && !env["NO_COLOR"] && !isDumb,
    isAscii: flags.ascii || isDumb || !hasUtf8,
  };
}

/** A terminal that can't move its cursor gets the plain table. */
export function isDumb(env: Readonly<NodeJS.ProcessEnv> = process.env): boolean {
  return env["TERM"] === "dumb";
}

/**
 * Ink's styles look at this when they are loaded, and not at NO_COLOR. Sixteen colours: what every terminal has. Without
 * colours, too: "0" would take the inversion of the caret with them; `lookOf` leaves out what is a colour.
 */
export function settleColors(env: NodeJS.ProcessEnv = process.env): void {
  env["FORCE_COLOR"] = "1";
}
