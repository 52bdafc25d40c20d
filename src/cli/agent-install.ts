// `rexec agent install`, `status` and `uninstall`: the agent as a service of this machine, or of one of its users.

import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { harmless } from "../text/harmless.ts";
import { readAgentFile } from "./agent-file.ts";
import { type AgentUnit, MARK, type ServiceScope } from "./agent-unit.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, targetOf, withApi } from "./command-context.ts";
import { isMissing } from "./private-file.ts";
import { type ServiceManager, serviceManager } from "./service-manager.ts";

export interface ServiceFlags {
  system?: boolean;
  user?: boolean;
}

export interface InstallFlags extends ServiceFlags {
  dryRun?: boolean;
  start: boolean;
}

export async function installAgent(options: InstallFlags, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { scope, manager } = managerFor(options, context);
  const text = manager.render(unitOf(scope, flags, context));
  if (options.dryRun) return context.print(text);
  mustBeAllowed(scope);
  const agent = readAgentFile(context.env.agentFile);
  if (agent === undefined)
    throw new CliError("USAGE", {
      message: "this machine is not enrolled",
      why: `there is no ${context.env.agentFile}`,
      hint: "enroll it with `rexec agent enroll`, as the same user",
    });
  const before = ownText(manager.file);
  writeUnit(manager.file, text);
  try {
    await manager.enable(options.start);
  } catch (error) {
    // Nothing is left of what did not come about.
    if (before === undefined) rmSync(manager.file, { force: true });
    else writeUnit(manager.file, before);
    throw error;
  }
  context.print(`${manager.file}\n`);
  context.tell(
    `installed: ${harmless(agent.name)} is ${options.start ? "started now and" : "started"} with ${whenStarted(scope)}\n`,
  );
  if (scope === "user" && manager.kind === "systemd" && !lingers())
    context.tell(`it ends when you log out; \`loginctl enable-linger ${userInfo().username}\` keeps it\n`);
}

export async function uninstallAgent(options: ServiceFlags, context: CommandContext): Promise<void> {
  const { scope, manager } = managerFor(options, context);
  if (ownText(manager.file) === undefined) return context.tell(`nothing is installed: there is no ${manager.file}\n`);
  mustBeAllowed(scope);
  await manager.disable();
  rmSync(manager.file);
  await manager.forget();
  context.print(`${manager.file}\n`);
  context.tell(`removed; this machine stays enrolled (${context.env.agentFile})\n`);
}

export async function tellAgentStatus(
  options: ServiceFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const { scope, manager } = managerFor(options, context);
  const agent = readAgentFile(context.env.agentFile);
  const isInstalled = ownText(manager.file) !== undefined;
  const { isEnabled, isRunning } = isInstalled ? await manager.state() : { isEnabled: false, isRunning: false };
  const connection = agent === undefined ? undefined : await connectionOf(agent.agentId, flags, context);
  if (formatOf(flags).startsWith("json")) {
    const enrolled = agent && { id: agent.agentId, name: agent.name, server: agent.servers.join(",") };
    const service = { kind: manager.kind, scope, file: manager.file };
    const state = { installed: isInstalled, enabled: isEnabled, running: isRunning };
    const status = {
      enrolled: enrolled ?? null,
      service: { ...service, ...state },
      connected: connection?.isConnected ?? null,
    };
    return context.print(`${JSON.stringify(status)}\n`);
  }
  const service = isInstalled
    ? `${manager.file}, ${isEnabled ? "enabled" : "not enabled"}, ${isRunning ? "running" : "not running"}`
    : `not installed (${manager.kind}, ${scope})`;
  context.print(
    `enrolled   ${agent ? `${harmless(agent.name)} (${agent.agentId}) at ${agent.servers.join(", ")}` : "no"}\n`,
  );
  context.print(`service    ${service}\n`);
  context.print(`connected  ${connection?.text ?? "no"}\n`);
}

/** The agent's own token opens its socket and asks nothing: somebody who is logged in must. */
async function connectionOf(
  agentId: string,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<{ isConnected?: boolean; text: string }> {
  try {
    if (targetOf(flags, context).token === undefined) return { text: "not known: nobody is logged in here" };
    const { AgentServiceService, AgentStatus } = await import("../gen/rexec/agent/v1/agent_service.ts");
    const { agent } = await withApi(flags, context, (api) => api.call(AgentServiceService.getAgent, { agentId }));
    const { AGENT_STATUS_ONLINE, AGENT_STATUS_SUSPECT } = AgentStatus;
    const isConnected = agent?.status === AGENT_STATUS_ONLINE || agent?.status === AGENT_STATUS_SUSPECT;
    return { isConnected, text: isConnected ? "yes" : "no" };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { text: `not known: ${error.message}` };
  }
}

function managerFor(
  { system, user }: ServiceFlags,
  { env }: CommandContext,
): { scope: ServiceScope; manager: ServiceManager } {
  if (system && user) throw new CliError("USAGE", { message: "say --system or --user, not both" });
  const uid = process.getuid?.() ?? 0;
  const scope = system || (!user && uid === 0) ? "system" : "user";
  const { configHome } = env;
  return { scope, manager: serviceManager(scope, { platform: process.platform, home: homedir(), configHome, uid }) };
}

function unitOf(scope: ServiceScope, flags: GlobalFlags, { env: places }: CommandContext): AgentUnit {
  const files = {
    REXEC_CA_FILE: flags.caFile ?? places.caFile,
    REXEC_CLIENT_CERT_FILE: places.clientCertFile,
    REXEC_CLIENT_KEY_FILE: places.clientKeyFile,
  };
  // A service has not the environment of this command. The agent's file is beside that one.
  const env: Record<string, string> = { REXEC_CONFIG: resolve(places.configFile) };
  for (const [name, file] of Object.entries(files)) if (file !== undefined) env[name] = resolve(file);
  // Whoever has bounded what can be copied here means the service, too.
  if (places.fileRoots !== undefined) env["REXEC_FILE_ROOTS"] = places.fileRoots;
  return {
    scope,
    argv: [process.execPath, realpathSync(process.argv[1] ?? ""), "agent", "run"],
    env,
    logFile: scope === "system" ? "/Library/Logs/rexec-agent.log" : join(homedir(), "Library/Logs/rexec-agent.log"),
  };
}

function mustBeAllowed(scope: ServiceScope): void {
  if (scope === "user" || process.getuid?.() === 0) return;
  throw new CliError("NOT_AUTHORIZED", {
    message: "a service of the whole machine is root's to install",
    hint: "run this with sudo, or install it for yourself with --user",
  });
}

/** Undefined where there is no such file. Throws for one that was not written here: it is somebody's. */
function ownText(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  if (text.includes(MARK)) return text;
  throw new CliError("USAGE", {
    message: `${file} was not written by \`rexec agent install\``,
    hint: "move it away, or leave the agent to it",
  });
}

function writeUnit(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o644 });
}

function whenStarted(scope: ServiceScope): string {
  return scope === "system" ? "this machine" : "your session";
}

/** systemd-logind keeps the services of such users. */
function lingers(): boolean {
  return existsSync(join("/var/lib/systemd/linger", userInfo().username));
}
