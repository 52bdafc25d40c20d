// docs/api.md has every call with its access rule; that it is up to date in all else is the check's to see.

import { describe, expect, it } from "vitest";
import { ERRORS } from "../../src/protocol/errors.ts";
import { ACCESS_RULES } from "../../src/server/transports/grpc/access-rules.ts";
import { inlineCode, readDocument, sectionOf } from "./markdown.ts";

const api = readDocument("docs/api.md");

describe("docs/api.md", () => {
  // Health and reflection are others' protocols, documented by them.
  it.each([...ACCESS_RULES].filter(([path]) => path.startsWith("/rexec.")))("says what %s needs", (path, rule) => {
    const [service = "", method] = path.slice(1).split("/");
    const section = sectionOf(api, `### ${service.split(".").at(-1)}.${method}`);
    expect(section).toContain(`- Access: \`${rule.scope}\`${rule.changes ? "; changes something" : ""}\n`);
  });

  it("names no error that there is not", () => {
    const named = inlineCode(api).filter((code) => /^(?!REXEC_)[A-Z]+(_[A-Z]+)+$/.test(code));
    const inEnums = [...api.matchAll(/^\| \d+ \| `([A-Z_]+)`/gm)].map(([, value]) => value);
    expect(named.filter((name) => !(name in ERRORS) && !inEnums.includes(name))).toEqual([]);
  });

  it("tells the errors that a call's code says it throws", () => {
    expect(sectionOf(api, "### AgentService.RegisterAgent")).toContain(
      "- Errors: `AGENT_LIMIT_REACHED`, `AGENT_NOT_IN_PLAN`, `AGENT_NAME_TAKEN`",
    );
    expect(sectionOf(api, "### InstanceService.DrainInstance")).toContain("- Errors: `INSTANCE_NOT_FOUND`");
  });
});
