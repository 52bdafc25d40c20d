// `rexec context`: the servers that have been logged in to, and which of them is meant where nothing is said.

import type { Command } from "commander";
import { type CommandContext, flagsOf, formatOf } from "./command-context.ts";
import { type Context, readContexts, requireContext, writeContexts } from "./contexts.ts";
import { readCredentials, storeCredential } from "./credentials.ts";
import { renderListing } from "./output.ts";

export function addContextCommand(program: Command, context: CommandContext): void {
  const contexts = program.command("context").description("the servers that you have logged in to");
  contexts
    .command("ls", { isDefault: true })
    .description("list them; * marks the current one")
    .action((_options, command: Command) => printContexts(command, context));
  contexts
    .command("use <context>")
    .description("make it the current one")
    .action((name: string) => {
      const file = readContexts(context.env.configFile);
      requireContext(file.contexts, name);
      writeContexts(context.env.configFile, { ...file, current: name });
      context.tell(`${name} is the current context\n`);
    });
  contexts
    .command("rm <context>")
    .description("forget it and its token; the token itself stays valid until it is revoked")
    .action((name: string) => {
      const { current, contexts: known } = readContexts(context.env.configFile);
      requireContext(known, name);
      known.delete(name);
      // The token first: what is left over by a crash must not be a secret that nothing names.
      storeCredential(context.env.credentialsFile, name, undefined);
      writeContexts(context.env.configFile, { current: current === name ? undefined : current, contexts: known });
      context.tell(`forgot ${name}\n`);
      if (current === name) context.tell("`rexec context use NAME` makes another the current one\n");
    });
}

interface Row extends Context {
  name: string;
  isCurrent: boolean;
  hasToken: boolean;
}

function printContexts(command: Command, context: CommandContext): void {
  const { env } = context;
  const { current, contexts } = readContexts(env.configFile);
  const tokens = readCredentials(env.credentialsFile);
  const rows = Array.from(contexts, ([name, known]): Row => {
    return { ...known, name, isCurrent: name === current, hasToken: tokens.has(name) };
  });
  const columns = [
    { header: "", value: (row: Row) => (row.isCurrent ? "*" : " ") },
    { header: "NAME", value: (row: Row) => row.name },
    { header: "SERVER", value: (row: Row) => row.host },
    { header: "TOKEN", value: (row: Row) => (row.hasToken ? "yes" : "no") },
    { header: "GRPC", value: (row: Row) => row.grpc, isWide: true },
  ];
  const json = ({ name, isCurrent, host, grpc, hasToken }: Row) => {
    return { name, current: isCurrent, server: host, grpc, has_token: hasToken };
  };
  context.print(renderListing({ rows, columns, json, name: (row) => row.name }, formatOf(flagsOf(command))));
  if (rows.length === 0) context.tell("no contexts; `rexec login` makes one\n");
}
