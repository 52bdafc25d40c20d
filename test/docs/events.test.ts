// docs/api.md names the types of all events that the code writes into the audit log.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readDocument, sectionOf, tableRows } from "./markdown.ts";

/** Told to whoever listens in the process, and never written down. */
const UNWRITTEN = new Set([
  "access.uncertain",
  "agent.stats",
  "agent.stored",
  "events.missed",
  "instance.beat",
  "limits.changed",
  "session.moved",
  "session.resized",
  "token.shortened",
]);

it("docs/api.md lists every type of event that is written, and no other", () => {
  const folders = ["src/server/domain", "src/server/adapters"];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => join(folder, file)),
  );
  const types =
    "agent|enrollment_code|session|recording|share|terminal|limits?|mfa|token|plan|user|instance|access|events";
  // "agent.id" and its like are fields.
  const pattern = new RegExp(`"((?:${types})\\.(?!id")[a-z_]+)"`, "g");
  const written = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(pattern)].map(([, type]) => type ?? ""),
  );
  const documented = tableRows(sectionOf(readDocument("docs/api.md"), "## Events")).flatMap(([cell = ""]) =>
    [...cell.matchAll(/`([a-z_.]+)`/g)].map(([, type]) => type ?? ""),
  );
  expect(documented.toSorted()).toEqual([...new Set(written)].filter((type) => !UNWRITTEN.has(type)).toSorted());
});
