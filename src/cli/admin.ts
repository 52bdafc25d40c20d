// Gives the admin TUI its server and its shells.

import { runAdmin } from "../admin-tui/main.ts";
import { type AgentId, MAIN_SESSION, parseShellId, parseUuid } from "../protocol/ids.ts";
import { harmless } from "../text/harmless.ts";
import { Api } from "./api.ts";
import { attachTerminal } from "./attach-terminal.ts";
import { callerName, fetchCaller, isApiToken } from "./caller.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, targetOf } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { requireToken, type Target } from "./target.ts";

export interface AdminFlags extends GlobalFlags {
  readonly?: boolean;
  ascii?: boolean;
  color?: boolean;
}

/** Runs until the operator leaves. */
export async function admin(flags: AdminFlags, context: CommandContext): Promise<void> {
  const target = targetOf(flags, context);
  const token = requireToken(target);
  forgetToken();
  const { grpcAddresses, isEncrypted, tls, servers } = target;
  const isReadOnly = flags.readonly ?? false;
  const api = new Api({
    grpcAddresses,
    isEncrypted,
    tls,
    token,
    timeoutMs: flags.timeout,
    isReadOnly,
    keepsAlive: true,
  });
  try {
    const me = {
      userId: "",
      name: "",
      contextName: target.contextName ?? "",
      servers: servers.join(","),
      isAdmin: false,
      mayWrite: false,
      isReadOnly,
    };
    await runAdmin({
      api,
      me,
      async identify() {
        const caller = await fetchCaller(api, token);
        if (isReadOnly && isApiToken(token) && !caller.isReadOnly) throw ignoresReadOnly();
        const scopes = new Set((caller.scope ?? "").split(" "));
        const isAdmin = scopes.has("admin");
        const mayWrite = (isAdmin || scopes.has("write")) && !isReadOnly;
        return { ...me, userId: caller.userId, name: harmless(callerName(caller)), isAdmin, mayWrite };
      },
      isAscii: flags.ascii ?? false,
      hasColor: flags.color ?? true,
      openTerminal: (terminal) => openTerminal(terminal, { ...target, token }, flags, context.signal),
      print: (text) => context.print(text),
      signal: context.signal,
    });
  } finally {
    api.close();
  }
}

/** A server that knows read-only calls says so in what it makes of an API token; an older one lets everything through. */
function ignoresReadOnly(): CliError {
  return new CliError("UNIMPLEMENTED", {
    message: "this server is too old for --readonly: it would not refuse changes",
    hint: "use a token with the read scope alone: `rexec token create NAME --scope read`",
  });
}

/** What is to be said when it is over; nothing where its screen has said all. */
async function openTerminal(
  terminal: { agentId: string; agentName: string; sessionId: string | undefined; isReadOnly: boolean },
  target: Target & { token: string },
  flags: GlobalFlags,
  signal: AbortSignal,
): Promise<string | undefined> {
  const agentId = parseUuid<AgentId>(terminal.agentId);
  const sessionId = terminal.sessionId === undefined ? undefined : parseShellId(terminal.sessionId);
  if (agentId === undefined) throw new CliError("AGENT_NOT_FOUND", { message: `no agent ${terminal.agentName}` });
  const result = await attachTerminal({
    servers: target.servers,
    token: target.token,
    tls: target.tls,
    agentId,
    target:
      terminal.sessionId === undefined ? { kind: "new" } : { kind: "session", sessionId: sessionId ?? MAIN_SESSION },
    readOnly: terminal.isReadOnly,
    waitForAgent: false,
    openTimeoutMs: flags.timeout,
    isQuiet: false,
    signal,
  });
  if (result.kind === "detached") return `left ${terminal.agentName}; its shell goes on`;
  return `the shell on ${terminal.agentName} has ended: ${harmless(result.reason)}`;
}
