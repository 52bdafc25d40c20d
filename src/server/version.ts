// Which release this is.

import { existsSync, readFileSync } from "node:fs";

export const VERSION = (JSON.parse(readFileSync(packageJson(), "utf8")) as { version: string }).version;

/** Beside src/ in a clone, two folders further up in dist/. */
function packageJson(): URL {
  const inClone = new URL("../../package.json", import.meta.url);
  return existsSync(inClone) ? inClone : new URL("../../../package.json", import.meta.url);
}
