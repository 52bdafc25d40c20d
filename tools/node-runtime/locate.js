// Where the private Node is, for the launcher and for the install script. Runs on old Nodes too.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The oldest Node that ink, vitest, kysely and commander run on. */
export const MINIMUM_NODE = "22.13";

export const runtimeDir = fileURLToPath(new URL(".", import.meta.url));

/** Whether `version` ("22.13.0", no leading v) is MINIMUM_NODE or newer. */
export function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  const [minimumMajor, minimumMinor] = MINIMUM_NODE.split(".").map(Number);
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
}

/** The private Node's path, or undefined where npm installed none: looked for as Node looks for a package. */
export function privateNode() {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`node-${process.platform}-${process.arch}/package.json`);
    const node = join(dirname(manifest), "bin/node");
    return existsSync(node) ? node : undefined;
  } catch {
    // Not installed: the caller says so.
    return undefined;
  }
}
