// The command line as commander knows it: global flags and every subcommand.

import { Command, Option } from "commander";
import { addAdminCommand } from "./admin-command.ts";
import { addAgentCommand } from "./agent.ts";
import { addAgentsCommand } from "./agents-command.ts";
import { addAttachCommand } from "./attach-command.ts";
import type { CommandContext } from "./command-context.ts";
import { addCompletionCommand } from "./completion/completion-command.ts";
import { addContextCommand } from "./context-command.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { parseDuration } from "./duration.ts";
import { addCpCommand } from "./cp-command.ts";
import { addExecCommand } from "./exec-command.ts";
import { addEventsCommand } from "./events-command.ts";
import { addExamples } from "./examples.ts";
import { addExitCodesTopic } from "./exit-codes.ts";
import { addInstancesCommand } from "./instances-command.ts";
import { addLimitsCommand } from "./limits-command.ts";
import { addLoginCommand } from "./login.ts";
import { addLogoutCommand } from "./logout.ts";
import { addMfaCommand } from "./mfa-command.ts";
import { OUTPUT_FORMATS } from "./output.ts";
import { addPlayCommand, addRecordingsCommand } from "./recordings-command.ts";
import { addSessionsCommand } from "./sessions-command.ts";
import { addShareCommands } from "./share-command.ts";
import { addServerCommand } from "./server-command.ts";
import { addTokenCommand } from "./token-command.ts";
import { addUsersCommand } from "./users-command.ts";
import { addUpCommand } from "./up-command.ts";
import { addVersionCommand, readVersion } from "./version.ts";
import { addWhoamiCommand } from "./whoami.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

export function buildProgram(context: CommandContext): Command {
  const program = new Command("rexec")
    .description("terminals on machines that dial out")
    .version(`rexec ${readVersion()}`, "-V, --version", "say which version this is")
    .option("--server <urls>", "the server's address, or several: https://a,https://b (REXEC_HOST)")
    .option("--grpc <addresses>", "gRPC, as a:7071,b:7071; by default port 7071 of each server's host")
    .option("--context <name>", "a server that you have logged in to (REXEC_CONTEXT)")
    .option(
      "--token-file <path>",
      'read the token from a file, "-" for standard input (else REXEC_TOKEN, else `rexec login`)',
    )
    .option("--ca-file <path>", "PEM: who signed the server's certificate (REXEC_CA_FILE)")
    .option("--insecure", "allow clear text to another machine")
    .addOption(
      new Option("--timeout <duration>", "for each call").argParser(parseDuration).default(DEFAULT_TIMEOUT_MS, "10s"),
    )
    .addOption(new Option("-o, --output <format>", "of lists").choices(OUTPUT_FORMATS).default("table"))
    .option("--json", "the same as -o json; errors become JSON, too")
    .option("-y, --yes", "end and delete without asking")
    .option("-q, --quiet", "say nothing but data and errors")
    .option("-v, --verbose", "say more when something fails")
    .option("--no-color", "accepted for scripts; the output has no colors")
    .addHelpText("after", "\n`rexec help exit-codes` says what exit codes mean.")
    .showHelpAfterError("(rexec --help lists what can be said)")
    .exitOverride();
  addUpCommand(program, context);
  addLoginCommand(program, context);
  addLogoutCommand(program, context);
  addWhoamiCommand(program, context);
  addContextCommand(program, context);
  addServerCommand(program, context);
  addAgentCommand(program, context);
  addAgentsCommand(program, context);
  addAttachCommand(program, context);
  addExecCommand(program, context);
  addCpCommand(program, context);
  addSessionsCommand(program, context);
  addRecordingsCommand(program, context);
  addPlayCommand(program, context);
  addShareCommands(program, context);
  addAdminCommand(program, context);
  addTokenCommand(program, context);
  addLimitsCommand(program, context);
  addUsersCommand(program, context);
  addEventsCommand(program, context);
  addInstancesCommand(program, context);
  addMfaCommand(program, context);
  addDoctorCommand(program, context);
  addCompletionCommand(program, context);
  addVersionCommand(program, context);
  addExitCodesTopic(program, context);
  addExamples(program);
  return program;
}
