// `rexec attach`: a terminal of an agent in this window.

import type { Command } from "commander";
import { type AgentId, MAIN_SESSION, parseSessionId, parseUuid } from "../protocol/ids.ts";
import type { OpenTerminalOptions } from "../client/terminal-options.ts";
import { listAllAgents } from "./agents.ts";
import type { Api } from "./api.ts";
import { attachTerminal } from "./attach-terminal.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type CommandContext, flagsOf, targetOf, withApiOf } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { requireToken } from "./target.ts";

interface AttachFlags {
  split?: boolean;
  session?: string;
  watch?: boolean;
  wait?: boolean;
}

export function addAttachCommand(program: Command, context: CommandContext): void {
  program
    .command("attach <agent>")
    .description("open a terminal on an agent, named by its name or id; Ctrl+] leaves it running and comes back")
    .option("--split", "a shell of your own instead of the shared one")
    .option("--session <id>", "join this session")
    .option("--watch", "look only; nothing that you type is sent")
    .option("--wait", "wait for an agent that is offline")
    .addHelpText("after", "\nExits with the shell's exit code, and with 255 for failures of its own.")
    .addHelpText(
      "after",
      "Where standard input is no terminal its bytes are typed as they are; its end is not: `exit` ends the shell.",
    )
    .action(async (agent: string, _options, command: Command) => {
      try {
        context.exitCode = await attach(agent, command, context);
      } catch (error) {
        if (!(error instanceof CliError) || error.reason === "USAGE" || error.reason === "INTERRUPTED") throw error;
        throw error.withExitCode(EXIT.ATTACH_FAILED);
      }
    });
}

async function attach(agent: string, command: Command, context: CommandContext): Promise<number> {
  const flags = flagsOf(command);
  const options = command.opts<AttachFlags>();
  const session = sessionOf(options);
  const target = targetOf(flags, context);
  const token = requireToken(target);
  forgetToken();
  const agentId =
    parseUuid<AgentId>(agent) ??
    (await withApiOf({ ...target, token }, flags, context, (api) => findAgentByName(api, agent)));
  const result = await attachTerminal({
    servers: target.servers,
    token,
    tls: target.tls,
    agentId,
    target: session,
    readOnly: options.watch ?? false,
    waitForAgent: options.wait ?? false,
    openTimeoutMs: flags.timeout,
    isQuiet: flags.quiet ?? false,
    signal: context.signal,
  });
  if (result.kind === "detached") {
    context.tell("rexec: left the terminal; its shell goes on\n");
    return EXIT.OK;
  }
  if (result.reason !== "exited" && !result.reason.startsWith("exit "))
    context.tell(`rexec: the shell has ended: ${result.reason}\n`);
  return result.exitCode;
}

function sessionOf({ split, session }: AttachFlags): OpenTerminalOptions["target"] {
  if (split && session !== undefined)
    throw new CliError("USAGE", { message: "--split and --session exclude each other" });
  if (split) return { kind: "new" };
  if (session === undefined) return { kind: "session", sessionId: MAIN_SESSION };
  const sessionId = parseSessionId(session);
  if (sessionId === undefined)
    throw new CliError("USAGE", { message: `no session id: ${session}`, hint: "main, or split-…" });
  return { kind: "session", sessionId };
}

/** Names are unique for one owner; an admin sees those of others as well. */
export async function findAgentByName(api: Pick<Api, "listAgents">, name: string): Promise<AgentId> {
  // The filter's terms are separated by spaces: the longest word narrows, the comparison decides.
  const word = name.split(/\s+/).sort((a, b) => b.length - a.length)[0] ?? "";
  const candidates = await listAllAgents(api, word === "" ? "" : `name:${word}`, "name");
  const found = candidates.filter((agent) => agent.name === name);
  const [first, second] = found;
  if (!first) throw new CliError("AGENT_NOT_FOUND", { message: `no agent named ${name}` });
  if (second) {
    const ids = found.map((agent) => agent.id).join(", ");
    throw new CliError("USAGE", { message: `several agents are named ${name}`, hint: `name one by its id: ${ids}` });
  }
  const id = parseUuid<AgentId>(first.id);
  if (id === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no agent id" });
  return id;
}
