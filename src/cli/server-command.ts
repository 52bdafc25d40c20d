// `rexec server`: its flags. What it runs is loaded when it runs.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { listSettings } from "../server/settings.ts";
import { parsePort } from "./port.ts";

export function addServerCommand(program: Command, context: CommandContext): void {
  program
    .command("server")
    .description("run a server; it is configured by REXEC_* variables and a file")
    .option("--host <address>", "to listen on (REXEC_LISTEN_HOST)")
    .option("--port <port>", "for HTTP and WebSockets (REXEC_HTTP_PORT)", parsePort)
    .option("--grpc-port <port>", "(REXEC_GRPC_PORT)", parsePort)
    .option("--data-dir <path>", "for the embedded database (REXEC_DATA_DIR)")
    .option("--public-url <url>", "where viewers reach it (REXEC_PUBLIC_URL)")
    .option("--config <file>", "YAML with the settings below (REXEC_CONFIG_FILE)")
    .addHelpText("after", renderSettings)
    .action(async (_options, command: Command) => {
      const { runServer } = await import("./server.ts");
      await runServer(command.opts(), flagsOf(command), context);
    });
}

function renderSettings(): string {
  const lines = listSettings().map(({ variable, meaning }) => `  ${variable.padEnd(38)}${meaning.replaceAll("`", "")}`);
  return `\nSettings, from the environment, or in lower case without REXEC_ from the file; after the last semicolon the default:\n${lines.join("\n")}`;
}
