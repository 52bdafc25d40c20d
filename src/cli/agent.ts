// `rexec agent`: this machine as one that terminals can be opened on.

import type { Command } from "commander";
import { harmless } from "../text/harmless.ts";
import { checkCode, enrollThisMachine, enrollWithCode, machineName, type NewAgent } from "./agent-enroll.ts";
import type { InstallFlags, ServiceFlags } from "./agent-install.ts";
import { addInviteCommands } from "./agent-invites-command.ts";
import { readAgentFile, writeAgentFile } from "./agent-file.ts";
import { readClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import {
  type CommandContext,
  flagsOf,
  formatOf,
  type GlobalFlags,
  targetOf,
  withApi,
  withApiOf,
} from "./command-context.ts";
import { readCode } from "./read-secret.ts";
import type { Target } from "./target.ts";

interface EnrollFlags {
  code?: string;
  name?: string;
  description?: string;
  tag?: string[];
  force?: boolean;
  run?: boolean;
}

export function addAgentCommand(program: Command, context: CommandContext): void {
  const agent = program.command("agent").description("make this machine one that terminals can be opened on");
  agent
    .command("enroll")
    .description("register this machine; its own token and its servers are stored for `rexec agent run`")
    .option("--code <code>", 'of `rexec agent invite`, in place of a token; "-" reads it (REXEC_ENROLL_CODE)')
    .option("--name <name>", "by default the code's, or the host's name")
    .option("--description <text>")
    .option("--tag <tag...>")
    .option("--force", "although it is enrolled already")
    .option("--run", "and run the agent")
    .action(async (_options, command: Command) => {
      await enroll(command, context);
      if (command.opts<EnrollFlags>().run) await run(command, context);
    });
  agent
    .command("run")
    .description("run the agent until it is told to stop")
    .addHelpText(
      "after",
      "\nUses what `rexec agent enroll` stored; or REXEC_HOST, REXEC_AGENT_ID and REXEC_TOKEN or REXEC_TOKEN_FILE." +
        "\nWith several servers (`rexec agent enroll --server https://a,https://b`) it dials the next where one is lost.",
    )
    .action((_options, command: Command) => run(command, context));
  agent
    .command("install")
    .description("run the agent as a service: started with this machine (root), or with your session")
    .option("--system", "of this machine; what root gets by default")
    .option("--user", "of the user who installs it")
    .option("--dry-run", "print what would be written, and do nothing")
    .option("--no-start", "with the next start only")
    .action(async (_options, command: Command) => {
      const { installAgent } = await import("./agent-install.ts");
      await installAgent(command.opts<InstallFlags>(), flagsOf(command), context);
    });
  addInviteCommands(agent, context);
  agent
    .command("status")
    .description("whether this machine is enrolled, and its agent installed, running and connected")
    .option("--system", "the service of this machine")
    .option("--user", "the service of this user")
    .action(async (_options, command: Command) => {
      const { tellAgentStatus } = await import("./agent-install.ts");
      await tellAgentStatus(command.opts<ServiceFlags>(), flagsOf(command), context);
    });
  agent
    .command("uninstall")
    .description("remove what `rexec agent install` has made, and nothing else")
    .option("--system", "the service of this machine")
    .option("--user", "the service of this user")
    .action(async (_options, command: Command) => {
      const { uninstallAgent } = await import("./agent-install.ts");
      await uninstallAgent(command.opts<ServiceFlags>(), context);
    });
}

/** Loaded when it runs: the other commands start faster without an agent. */
async function run(command: Command, context: CommandContext): Promise<void> {
  const { runAgent } = await import("./agent-run.ts");
  const flags = flagsOf(command);
  await runAgent(context, { isQuiet: flags.quiet ?? false, tls: readClientTls(flags, context.env) });
}

async function enroll(command: Command, context: CommandContext): Promise<void> {
  const flags = flagsOf(command);
  const { force, run: isRunNext } = command.opts<EnrollFlags>();
  const { agentFile } = context.env;
  const known = force ? undefined : readAgentFile(agentFile);
  if (known) {
    throw new CliError("AGENT_NAME_TAKEN", {
      message: `this machine is enrolled already, as ${known.name} at ${known.servers.join(", ")}`,
      hint: "run it with `rexec agent run`; --force enrolls it anew",
    });
  }
  const { target, agent } = await register(command.opts<EnrollFlags>(), flags, context);
  writeAgentFile(agentFile, { servers: target.servers, ...agent });
  if (formatOf(flags).startsWith("json")) {
    const server = target.servers.join(",");
    context.print(`${JSON.stringify({ id: agent.agentId, name: agent.name, server, file: agentFile })}\n`);
    return;
  }
  context.print(`${agent.agentId}\n`);
  context.tell(`enrolled as ${harmless(agent.name)} at ${target.servers.join(", ")}\n`);
  if (!isRunNext) context.tell("start it with `rexec agent run`, or as a service with `rexec agent install`\n");
}

async function register(
  options: EnrollFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<{ target: Target; agent: NewAgent }> {
  const { name, description = "", tag } = options;
  const typed = options.code ?? context.env.enrollCode;
  if (typed === undefined) {
    return withApi(flags, context, async (api, target) => {
      const asked = { name: name ?? machineName(), description, tags: tag ?? [] };
      return { target, agent: await enrollThisMachine(api, asked).catch(explainName(asked.name)) };
    });
  }
  if (tag !== undefined) {
    throw new CliError("USAGE", { message: "--tag is for who makes the code", hint: "rexec agent invite --tag TAG" });
  }
  const code = checkCode(typed === "-" ? await readCode(context.signal) : typed);
  // Whoever is logged in here has nothing to do with it.
  const target = targetOf({ ...flags, tokenFile: undefined }, context);
  return withApiOf({ ...target, token: undefined }, flags, context, async (api) => {
    const agent = await enrollWithCode(api, { code, name, description }).catch(explainName(name));
    return { target, agent };
  });
}

function explainName(name: string | undefined): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof CliError) || error.reason !== "AGENT_NAME_TAKEN") throw error;
    const message = name === undefined ? error.message : `${error.message}: ${name}`;
    throw new CliError(error.reason, { message, hint: "choose another with --name" }, { cause: error });
  };
}
