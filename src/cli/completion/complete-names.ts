// The names that complete a word: of agents, sessions and contexts. Whoever presses Tab waits for them.

import type { Command } from "commander";
import { harmless } from "../../text/harmless.ts";
import type { Api } from "../api.ts";
import { type CommandContext, flagsOf, withApi } from "../command-context.ts";
import { readContexts } from "../contexts.ts";
import { findAgentId } from "../find-agent.ts";
import type { TargetFlags } from "../target.ts";
import type { NameKind } from "./completion-model.ts";

/** Longer, nobody waits for a key. */
const LIMIT_MS = 1000;
/** More help nobody to choose. */
const MAX_NAMES = 1000;

interface Asked {
  kind: NameKind;
  /** For sessions: the agent that they run on. */
  agent: string;
  /** The beginning of the word. */
  typed: string;
  /** What stands on the command line before it: it says which server is meant. */
  words: readonly string[];
}

/** Prints one a line; nothing where that fails, or takes too long: a message would stand in the midst of what is typed. */
export async function completeNames(asked: Asked, command: Command, context: CommandContext): Promise<void> {
  // Also where a name server or a stopped server keeps the process from its end.
  setTimeout(() => process.exit(), LIMIT_MS).unref();
  try {
    for (const name of await findNames(asked, command, context)) {
      // A stranger's name must be neither a flag nor anything that a terminal would not show as it is.
      if (harmless(name) === name && !name.startsWith("-")) context.print(`${name}\n`);
    }
  } catch {
    // Nothing can be completed, and the command itself will say why.
  }
}

async function findNames(asked: Asked, command: Command, context: CommandContext): Promise<readonly string[]> {
  if (asked.kind === "contexts") return [...readContexts(context.env.configFile).contexts.keys()];
  const target = targetFlagsOf(asked.words);
  // It would read what is typed next.
  if (target.tokenFile === "-") return [];
  const flags = { ...flagsOf(command), ...target, timeout: LIMIT_MS };
  return withApi(flags, context, (api) =>
    asked.kind === "agents" ? agentNames(api, asked.typed) : sessionIds(api, asked.agent),
  );
}

async function agentNames(api: Api, typed: string): Promise<string[]> {
  const { AgentServiceService } = await import("../../gen/rexec/agent/v1/agent_service.ts");
  // A term ends at a space, and means something else with a colon.
  const filter = /^[\w.-]+$/.test(typed) ? `name:${typed}` : "";
  const request = { pageSize: MAX_NAMES, pageToken: "", filter, orderBy: "name" };
  return (await api.call(AgentServiceService.listAgents, request)).agents.map(({ name }) => name);
}

async function sessionIds(api: Api, agent: string): Promise<string[]> {
  const { SessionServiceService } = await import("../../gen/rexec/session/v1/session_service.ts");
  const filter = `agent:${await findAgentId(api, agent)}`;
  const request = { pageSize: MAX_NAMES, pageToken: "", filter, orderBy: "" };
  return (await api.call(SessionServiceService.listSessions, request)).sessions.map(({ id }) => id);
}

const TARGET_FLAGS = {
  "--server": "server",
  "--grpc": "grpc",
  "--context": "context",
  "--token-file": "tokenFile",
  "--ca-file": "caFile",
} as const satisfies Record<string, keyof TargetFlags>;

/** Which server a line of words means. The line is not finished: commander would refuse it. */
export function targetFlagsOf(words: readonly string[]): TargetFlags {
  const flags: TargetFlags = {};
  for (const [i, word] of words.entries()) {
    if (word === "--") break;
    if (word === "--insecure") flags.insecure = true;
    const [, flag = word, value = words[i + 1]] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const name = Object.entries(TARGET_FLAGS).find(([known]) => known === flag)?.[1];
    if (name !== undefined && value !== undefined) flags[name] = value;
  }
  return flags;
}
