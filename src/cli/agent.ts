// `rexec agent`: this machine as one that terminals can be opened on.

import type { Command } from "commander";
import { enrollThisMachine, machineName } from "./agent-enroll.ts";
import type { InstallFlags, ServiceFlags } from "./agent-install.ts";
import { readAgentFile, writeAgentFile } from "./agent-file.ts";
import { readClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, formatOf, withApi } from "./command-context.ts";

interface EnrollFlags {
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
    .option("--name <name>", "by default the host's name")
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
  const { name = machineName(), description = "", tag = [], force } = command.opts<EnrollFlags>();
  const { agentFile } = context.env;
  const known = force ? undefined : readAgentFile(agentFile);
  if (known) {
    throw new CliError("AGENT_NAME_TAKEN", {
      message: `this machine is enrolled already, as ${known.name} at ${known.servers.join(", ")}`,
      hint: "run it with `rexec agent run`; --force enrolls it anew",
    });
  }
  const made = await withApi(flags, context, async (api, target) => {
    const agent = await enrollThisMachine(api, { name, description, tags: tag }).catch((error: unknown) => {
      throw error instanceof CliError && error.reason === "AGENT_NAME_TAKEN"
        ? new CliError(
            error.reason,
            { message: `${error.message}: ${name}`, hint: "choose another with --name" },
            { cause: error },
          )
        : error;
    });
    const stored = { servers: target.servers, ...agent };
    writeAgentFile(agentFile, stored);
    return stored;
  });
  if (formatOf(flags).startsWith("json")) {
    const server = made.servers.join(",");
    context.print(`${JSON.stringify({ id: made.agentId, name: made.name, server, file: agentFile })}\n`);
    return;
  }
  context.print(`${made.agentId}\n`);
  context.tell(`enrolled as ${made.name} at ${made.servers.join(", ")}\n`);
}
