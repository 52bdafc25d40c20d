// Examines this machine and its way to the server, one thing after another, and says what helps.

import { CliError, EXIT } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, targetOf } from "./command-context.ts";
import { failed, type Finding, ok, reasonOf, skipped } from "./doctor-finding.ts";
import {
  checkDiskSpace,
  checkFileMode,
  checkNode,
  checkOpenFiles,
  checkPrivateNode,
  checkPty,
  checkStateDirectory,
} from "./doctor-machine.ts";
import { checkServer } from "./doctor-server.ts";
import { renderListing } from "./output.ts";
import type { Target } from "./target.ts";

export async function examine(flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { env } = context;
  const findings = [
    checkNode(),
    checkPrivateNode(),
    // Before the target is looked for: that reads them, and reading mends their modes.
    checkFileMode("configuration", env.configFile, "mayRead"),
    checkFileMode("credentials", env.credentialsFile, "none"),
    checkFileMode("agent's identity", env.agentFile, "none"),
    checkStateDirectory(env),
    checkDiskSpace(env),
    checkOpenFiles(),
    await checkPty(),
    ...(await checkTarget(flags, context)),
  ];
  const listing = {
    rows: findings,
    columns: [
      { header: "CHECK", value: ({ check }: Finding) => check },
      { header: "STATE", value: ({ state }: Finding) => (state === "failed" ? "FAILED" : state) },
      { header: "FOUND", value: ({ found }: Finding) => found },
    ],
    json: ({ check, state, found, hint }: Finding) => ({ check, state, found, hint }),
    name: ({ check }: Finding) => check,
  };
  context.print(renderListing(listing, formatOf(flags)));
  for (const { check, hint } of findings) if (hint !== undefined) context.tell(`${check}: ${hint}\n`);
  if (findings.some(({ state }) => state === "failed")) context.exitCode = EXIT.ERROR;
}

async function checkTarget(flags: GlobalFlags, context: CommandContext): Promise<Finding[]> {
  let target: Target;
  try {
    target = targetOf(flags, context);
  } catch (error) {
    const hint = error instanceof CliError ? error.hint : undefined;
    const unknown = ["server", "server ready", "clock", "gRPC", "token", "WebSocket"];
    const why = "which server is meant is not clear";
    return [
      failed("context", reasonOf(error), hint ?? "see `rexec --help`"),
      ...unknown.map((check) => skipped(check, why)),
    ];
  }
  const { contextName } = target;
  const servers = target.servers.join(", ");
  const named = contextName === undefined ? `${servers}, which no context names` : `${contextName}, ${servers}`;
  return [ok("context", named), ...(await checkServer(target, flags.timeout, context))];
}
