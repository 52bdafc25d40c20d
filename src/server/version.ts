// Which release this is.

import { readFileSync } from "node:fs";

/** Two folders up, in a clone (src/server/) as in a build (dist/chunks/). */
const PACKAGE = new URL("../../package.json", import.meta.url);

export const VERSION = (JSON.parse(readFileSync(PACKAGE, "utf8")) as { version: string }).version;
