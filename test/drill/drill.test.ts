// The drill, short and always the same: real processes, most of the faults, every byte checked.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { Verdict } from "../../drill/verdict.ts";

const RUN = fileURLToPath(new URL("../../drill/run.ts", import.meta.url));
const FAULTS =
  "kill-holder,drain-holder,freeze,cut-viewer,cut-agent,hush-agent,drop-viewer,instance-clock,redis-flush,redis-restart";

it("terminals lose and double no byte while instances, connections, clocks and Redis come and go", async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-drill-test-"));
  try {
    const json = join(directory, "verdict.json");
    const options = ["--seed", "97", "--minutes", "0.65", "--agents", "2", "--only", FAULTS, "--json", json];
    // How fast it is here and now is nobody's business: bytes count as ever.
    const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...options, "--patience", "6"]);
    expect(stdout).toContain("every promise was kept");
    const { streams, broken } = JSON.parse(await readFile(json, "utf8")) as Verdict;
    expect(broken).toEqual([]);
    for (const { name, direction, checked, lost, doubled, reordered, foreign } of streams) {
      expect({ name, lost, doubled, reordered, foreign }).toEqual({
        name,
        lost: 0,
        doubled: 0,
        reordered: 0,
        foreign: 0,
      });
      if (name.includes("typist")) expect(checked).toBeGreaterThan(direction === "output" ? 100_000 : 1_000);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 300_000);
