// `rexec users`: its flags. What it runs is loaded when it runs: it brings gRPC.

import { type Command, Option } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

const ORDERS = ["email", "email desc", "created_at", "created_at desc"];

export function addUsersCommand(program: Command, context: CommandContext): void {
  const users = program.command("users").description("list, make, change and delete accounts; for admins");
  users
    .command("ls", { isDefault: true })
    .description("list users")
    .option("--filter <terms>", 'e.g. "plan:free admin:false"; a word alone matches within email and name')
    .addOption(new Option("--order <field>", "by what").choices(ORDERS).default("email"))
    .action(async (_options, command: Command) => {
      const { printUsers } = await import("./users.ts");
      await printUsers(command.opts(), flagsOf(command), context);
    });
  users
    .command("create <email>")
    .description("make an account")
    .option("--username <name>", "by default what stands before the @")
    .option("--plan <name>", "what they may have", "free")
    .option("--subscription", "their subscription is active")
    .option("--admin", "they may do all that you may")
    .action(async (email: string, _options, command: Command) => {
      const { createUser } = await import("./users.ts");
      await createUser({ ...command.opts(), email }, flagsOf(command), context);
    });
  users
    .command("update <user>")
    .description("change an account, named by its id or email; in force at once")
    .option("--email <email>")
    .option("--username <name>")
    .option("--plan <name>")
    .addOption(new Option("--subscription <state>", "active or not").choices(["active", "none"]))
    .addOption(new Option("--admin <yes/no>", "whether they are an admin").choices(["yes", "no"]))
    .action(async (user: string, _options, command: Command) => {
      const { updateUser } = await import("./users.ts");
      await updateUser(user, command.opts(), { flags: flagsOf(command), context });
    });
  users
    .command("rm <user>")
    .description("delete an account, named by its id or email, with its agents and tokens; their connections end")
    .action(async (user: string, _options, command: Command) => {
      const { deleteUser } = await import("./users.ts");
      await deleteUser(user, flagsOf(command), context);
    });
}
