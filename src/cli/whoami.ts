// `rexec whoami`: who the server takes you for.

import type { Command } from "commander";
import { callerName, fetchCaller } from "./caller.ts";
import { type CommandContext, flagsOf, formatOf, withApi } from "./command-context.ts";
import { harmless } from "../text/harmless.ts";
import { requireToken } from "./target.ts";

export function addWhoamiCommand(program: Command, context: CommandContext): void {
  program
    .command("whoami")
    .description("say who you are to the server, and what your token may do")
    .action(async (_options, command: Command) => {
      const flags = flagsOf(command);
      await withApi(flags, context, async (api, target) => {
        const caller = await fetchCaller(api, requireToken(target));
        const { userId, email, username, plan, scope } = caller;
        if (formatOf(flags).startsWith("json")) {
          const server = { server: target.servers.join(","), context: target.contextName };
          context.print(`${JSON.stringify({ user_id: userId, email, username, plan, scope, ...server })}\n`);
          return;
        }
        const facts = [email, plan && `plan ${plan}`, scope && `scope ${scope}`, `at ${target.servers.join(", ")}`];
        const told = facts.filter((fact) => fact !== undefined && fact !== "").join(", ");
        context.print(`${harmless(`${callerName(caller)} (${told})`)}\n`);
      });
    });
}
