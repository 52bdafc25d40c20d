// `rexec sessions`: its flags. What it runs is loaded when it runs: it brings gRPC.

import { type Command, Option } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

const ORDERS = ["started_at", "agent_id"].flatMap((field) => [field, `${field} desc`]);

export function addSessionsCommand(program: Command, context: CommandContext): void {
  const sessions = program.command("sessions").description("the shells that run on your agents");
  sessions
    .command("ls", { isDefault: true })
    .description("list sessions, who looks at them, and how idle they are")
    .option("--filter <terms>", 'e.g. "agent:ID kind:main"')
    .addOption(new Option("--order <field>", "by what").choices(ORDERS).default("started_at"))
    .option("--watch", "and go on: the table as it changes, or a line of JSON for each change")
    .action(async (_options, command: Command) => {
      const { printSessions } = await import("./sessions.ts");
      await printSessions(command.opts(), flagsOf(command), context);
    });
  sessions
    .command("kill <agent> <session>")
    .description("end a shell, named by its agent and its id; everybody attached is told")
    .action(async (agent: string, session: string, _options, command: Command) => {
      const { killSession } = await import("./sessions.ts");
      await killSession({ agent, session }, flagsOf(command), context);
    });
}
