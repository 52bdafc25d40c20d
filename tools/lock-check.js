// Finds gaps in package-lock.json: packages that a locked package depends on and that are not locked themselves. A registry
// that lacks some platform's package leaves one when the lock is written; `npm ci` then dies, perhaps only elsewhere.
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const exactVersion = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/** One line for each gap in a parsed package-lock.json (version 3). */
export function findLockGaps(lock) {
  const gaps = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (entry.link) continue; // What it points to has an entry of its own.
    const owner = path === "" ? lock.name : path;
    // Development dependencies are installed for the root only.
    const wanted = {
      ...entry.dependencies,
      ...entry.optionalDependencies,
      ...(path === "" ? entry.devDependencies : {}),
    };
    for (const [name, range] of Object.entries(wanted)) {
      const found = lockedAs(lock, path, name);
      if (found === undefined) gaps.push(`${owner} needs ${name}@${range}, which is not locked`);
      else if (exactVersion.test(range) && found.version !== undefined && found.version !== range) {
        gaps.push(`${owner} needs ${name}@${range}, locked is ${found.version}`);
      }
    }
  }
  return gaps;
}

/** The entry that `name` resolves to from the package at `path`: in its own node_modules, or in one further up. */
function lockedAs(lock, path, name) {
  for (let from = path; ; from = from.slice(0, Math.max(from.lastIndexOf("/"), 0))) {
    if (!from.endsWith("node_modules")) {
      const entry = lock.packages[from === "" ? `node_modules/${name}` : `${from}/node_modules/${name}`];
      if (entry !== undefined) return entry.link ? lock.packages[entry.resolved] : entry;
    }
    if (from === "") return undefined;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const gaps = findLockGaps(lock);
  for (const gap of gaps) console.error(gap);
  console.log(`${Object.keys(lock.packages).length} locked packages`);
  if (gaps.length > 0) process.exitCode = 1;
}
