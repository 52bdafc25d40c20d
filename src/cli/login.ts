// `rexec login`: checks a token and remembers it with its server as a context.

import type { Command } from "commander";
import { callerName, fetchCaller } from "./caller.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, withApiOf } from "./command-context.ts";
import { CONTEXT_NAME, readContexts, writeContexts } from "./contexts.ts";
import { storeCredential } from "./credentials.ts";
import { harmless } from "../text/harmless.ts";
import { readSecret } from "./read-secret.ts";
import { readTokenFile, resolveTarget, type Target } from "./target.ts";

export function addLoginCommand(program: Command, context: CommandContext): void {
  program
    .command("login")
    .description("check a token and remember it; reads it from standard input, or from --token-file")
    .action(async (_options, command: Command) => {
      const flags = flagsOf(command);
      // A context that does not exist yet is what `--context` names here.
      const known = readContexts(context.env.configFile);
      const isNew = flags.context !== undefined && !known.contexts.has(flags.context);
      const target = resolveTarget(
        { ...flags, tokenFile: undefined, context: isNew ? undefined : flags.context },
        context.env,
      );
      const name = flags.context ?? target.contextName ?? defaultName(target);
      if (!CONTEXT_NAME.test(name)) {
        throw new CliError("USAGE", {
          message: `no name for a context: ${name}`,
          hint: "letters, digits and . _ : - will do",
        });
      }
      const token = await newToken(flags.tokenFile, target, context);
      const caller = await withApiOf({ ...target, token }, flags, context, (api) => fetchCaller(api, token));
      known.contexts.set(name, {
        host: target.servers.join(","),
        grpc: target.grpcAddresses.join(","),
        insecure: flags.insecure ?? false,
      });
      writeContexts(context.env.configFile, { ...known, current: name });
      storeCredential(context.env.credentialsFile, name, token);
      context.tell(`logged in to ${target.servers.join(", ")} as ${harmless(callerName(caller))} (context ${name})\n`);
    });
}

async function newToken(tokenFile: string | undefined, target: Target, context: CommandContext): Promise<string> {
  if (tokenFile !== undefined) return readTokenFile(tokenFile);
  const token = await readSecret(`Token for ${target.servers.join(", ")}: `, context.signal);
  if (token !== "" && !/[^\x21-\x7e]/.test(token)) return token;
  const message = token === "" ? "no token was given" : "what was given is no token";
  throw new CliError("USAGE", { message, hint: "paste one, or pipe it in: rexec login < token-file" });
}

/** Contexts are named for their first server's host. */
function defaultName(target: Target): string {
  return new URL(target.servers[0]).hostname.replace(/[^A-Za-z0-9_.-]/g, "_");
}
