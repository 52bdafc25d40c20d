// systemd's own check of unit files, from Debian's package: unpacked, not installed, and no systemd need run.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { librariesOf, unpackDebianPackages } from "./debian-packages.ts";

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/systemd");
/** Of systemd 254, and said by older ones: the unit says so. */
const TOO_NEW = /Unknown key( name)? 'Restart(Steps|MaxDelaySec)' in section/;

/** What it complains of; none where the unit is well. `runtimeDir`: for the files that it wants to make. */
export function verifyUnit(file: string, scope: "system" | "user", runtimeDir: string): string[] {
  if (!existsSync(CACHE)) {
    mkdirSync(resolve(CACHE, ".."), { recursive: true });
    unpackDebianPackages({ folder: CACHE, wanted: "systemd" });
  }
  const libraries = librariesOf(CACHE);
  const { status, stderr, error } = spawnSync(
    join(CACHE, "usr/bin/systemd-analyze"),
    [`--${scope}`, "--man=no", "verify", file],
    {
      encoding: "utf8",
      env: {
        LD_LIBRARY_PATH: `${libraries}:${join(libraries, "systemd")}`,
        SYSTEMD_UNIT_PATH: `${join(CACHE, "usr/lib/systemd", scope)}:${join(CACHE, "lib/systemd", scope)}:`,
        XDG_RUNTIME_DIR: runtimeDir,
      },
    },
  );
  if (error !== undefined) throw error;
  const complaints = stderr.split("\n").filter((line) => line !== "" && !TOO_NEW.test(line));
  return status === 0 ? complaints : [`exit ${status}`, ...complaints];
}
