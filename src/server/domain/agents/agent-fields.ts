// Which values an agent's fields may have.

import { MAX_DESCRIPTION_LENGTH, MAX_TAG_LENGTH, MAX_TAGS, nameProblem, textProblem } from "../../../protocol/names.ts";
import { DomainError } from "../domain-error.ts";

/** "linux", "x64": words, not texts. */
const MAX_PLATFORM_LENGTH = 64;
const MAX_SHELL_LENGTH = 1024;
/** As the agent's machine writes it; Windows has drives. */
const ABSOLUTE_PATH = /^(?:\/|[A-Za-z]:[\\/])/;

export interface AgentFields {
  name?: string;
  description?: string;
  os?: string;
  arch?: string;
  shell?: string;
  tags?: readonly string[];
}

/** Throws INVALID_ARGUMENT that names every field that is wrong, with `prefix` before its name. */
export function checkAgentFields(fields: AgentFields, prefix = ""): void {
  const { name, description, os, arch, shell, tags } = fields;
  const problems: Record<string, string | undefined> = {
    name: name === undefined ? undefined : nameProblem(name),
    description: description === undefined ? undefined : textProblem(description, MAX_DESCRIPTION_LENGTH),
    os: os === undefined ? undefined : textProblem(os, MAX_PLATFORM_LENGTH),
    arch: arch === undefined ? undefined : textProblem(arch, MAX_PLATFORM_LENGTH),
    shell: shell === undefined ? undefined : shellProblem(shell),
    tags: tags === undefined ? undefined : tagsProblem(tags),
  };
  const violations = Object.entries(problems).flatMap(([field, description]) =>
    description === undefined ? [] : [{ field: prefix + field, description }],
  );
  if (violations.length > 0) throw new DomainError("INVALID_ARGUMENT", { violations });
}

function shellProblem(shell: string): string | undefined {
  if (shell !== "" && !ABSOLUTE_PATH.test(shell)) return "must be an absolute path, or empty";
  return textProblem(shell, MAX_SHELL_LENGTH);
}

function tagsProblem(tags: readonly string[]): string | undefined {
  if (tags.length > MAX_TAGS) return `must be at most ${MAX_TAGS}`;
  for (const tag of tags) {
    const problem = nameProblem(tag, MAX_TAG_LENGTH);
    if (problem !== undefined) return `each ${problem}`;
  }
  return undefined;
}
