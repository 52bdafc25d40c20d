// `rexec agents`: its flags. What it runs is loaded when it runs: it brings gRPC.

import { type Command, Option } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

const ORDERS = ["name", "created_at", "last_seen_at"].flatMap((field) => [field, `${field} desc`]);

export function addAgentsCommand(program: Command, context: CommandContext): void {
  const agents = program.command("agents").description("the machines that you can open terminals on");
  agents
    .command("ls", { isDefault: true })
    .description("list agents")
    .option("--filter <terms>", 'e.g. "status:online tag:web"; a word alone matches within the name')
    .addOption(new Option("--order <field>", "by what").choices(ORDERS).default("name"))
    .option("--watch", "and go on: the table as it changes, or a line of JSON for each change")
    .action(async (_options, command: Command) => {
      const { printAgents } = await import("./agents.ts");
      await printAgents(command.opts(), flagsOf(command), context);
    });
  agents
    .command("get <agent>")
    .description("show all that is known of an agent, named by its name or id")
    .action(async (agent: string, _options, command: Command) => {
      const { printAgent } = await import("./agents.ts");
      await printAgent(agent, flagsOf(command), context);
    });
  agents
    .command("update <agent>")
    .description("change what an agent is called and what it runs")
    .option("--name <name>", "what it is called")
    .option("--description <text>", "what it is")
    .option("--tag <tag...>", "these tags and no others")
    .option("--no-tag", "no tags")
    .option("--shell <path>", "what sessions run from now on; empty: the login shell")
    .option("--record", "record whatever runs on it from now on")
    .option("--no-record", "record what is asked for alone")
    .action(async (agent: string, _options, command: Command) => {
      const { updateAgent } = await import("./change-agents.ts");
      await updateAgent(agent, command.opts(), { flags: flagsOf(command), context });
    });
  agents
    .command("rm <agent...>")
    .description("delete agents and their tokens; their terminals end")
    .action(async (names: string[], _options, command: Command) => {
      const { deleteAgents } = await import("./change-agents.ts");
      await deleteAgents(names, flagsOf(command), context);
    });
  agents
    .command("lock <agent>")
    .description("lock an agent behind your second factor; terminals that hold no grant end")
    .action(async (agent: string, _options, command: Command) => {
      const { lockAgent } = await import("./mfa.ts");
      await lockAgent(agent, flagsOf(command), context);
    });
  agents
    .command("unlock <agent>")
    .description("unlock an agent for good; asks for a code, or reads it from standard input")
    .action(async (agent: string, _options, command: Command) => {
      const { unlockAgent } = await import("./mfa.ts");
      await unlockAgent(agent, flagsOf(command), context);
    });
}
