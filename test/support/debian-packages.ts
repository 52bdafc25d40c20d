// Debian's packages for the tests, unpacked into a folder of this checkout: nothing is installed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * Unpacks `wanted` and what it needs that is not installed here into `folder`, which gets its name when it is complete:
 * two test runs may do this at once. Throws where apt-get is missing or can't fetch.
 */
export function unpackDebianPackages({ folder, wanted }: { folder: string; wanted: string }): void {
  mkdirSync(resolve(folder, ".."), { recursive: true });
  const scratch = mkdtempSync(`${folder}.`);
  try {
    try {
      download({ scratch, wanted, options: [] });
    } catch {
      // The machine's lists of packages are missing or old: lists of our own, which change nothing of its.
      const own = ["-o", `Dir::State::Lists=${join(scratch, "lists")}`, "-o", `Dir::Cache=${join(scratch, "cache")}`];
      for (const made of ["lists/partial", "cache/archives/partial"]) {
        mkdirSync(join(scratch, made), { recursive: true });
      }
      execFileSync("apt-get", [...own, "update", "-qq"], { stdio: "pipe" });
      download({ scratch, wanted, options: own });
    }
    const archives = readdirSync(scratch).filter((name) => name.endsWith(".deb"));
    for (const archive of archives) execFileSync("dpkg", ["-x", archive, "root"], { cwd: scratch, stdio: "pipe" });
    try {
      renameSync(join(scratch, "root"), folder);
    } catch (error) {
      // Another run was faster.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where unpacked packages have their libraries. */
export function librariesOf(folder: string): string {
  const libraries = join(folder, "usr/lib");
  return join(libraries, readdirSync(libraries).find((name) => name.endsWith("-linux-gnu")) ?? "");
}

function download({ scratch, wanted, options }: { scratch: string; wanted: string; options: readonly string[] }): void {
  const simulation = [...options, "install", "--simulate", "--no-install-recommends", wanted];
  const plan = execFileSync("apt-get", simulation, { encoding: "utf8", stdio: "pipe" });
  const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? "");
  execFileSync("apt-get", [...options, "download", "-qq", ...packages], { cwd: scratch, stdio: "pipe" });
}
