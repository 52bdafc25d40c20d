// Opens a session that somebody shares, in this window, without an account.

import { isEachEncrypted, requireLoopback } from "./addresses.ts";
import { attachTerminal } from "./attach-terminal.ts";
import { endOfAttach } from "./attach.ts";
import { readClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import type { CommandContext, GlobalFlags } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { shortDuration } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import { readSecret } from "./read-secret.ts";
import { fetchShared, parseShareLink } from "./share-link.ts";

interface JoinOptions {
  link: string | undefined;
  watch?: boolean;
}

/** Returns the exit code. */
export async function join(options: JoinOptions, flags: GlobalFlags, context: CommandContext): Promise<number> {
  const link = parseShareLink(await readLink(options.link, context));
  forgetToken();
  const servers = [link.server] as const;
  const isEncrypted = isEachEncrypted(servers);
  if (!isEncrypted && !flags.insecure) requireLoopback(servers);
  const tls = isEncrypted ? readClientTls(flags, context.env) : undefined;
  const { signal } = context;
  const shared = await fetchShared(link, { tls, timeoutMs: flags.timeout, signal });
  const { agentId, sessionId, agentName, sharedBy, access, expiresAt } = shared;
  const readOnly = access === "watch" || (options.watch ?? false);
  const left = shortDuration(expiresAt.getTime() - Date.now());
  const doing = readOnly ? "watching" : "typing into";
  context.tell(
    `rexec: ${doing} ${sessionId} on ${harmless(agentName)}, shared by ${harmless(sharedBy)} for ${left} more\n`,
  );
  const result = await attachTerminal({
    servers,
    token: link.secret,
    tls,
    agentId,
    target: { kind: "session", sessionId },
    readOnly,
    waitForAgent: false,
    openTimeoutMs: flags.timeout,
    isQuiet: flags.quiet ?? false,
    signal,
  });
  return endOfAttach(result, context);
}

async function readLink(argument: string | undefined, { env, signal }: CommandContext): Promise<string> {
  if (argument !== undefined && argument !== "-") return argument;
  const link = (argument === undefined ? env.share : undefined) ?? (await readSecret("Link: ", signal));
  if (link !== "") return link;
  throw new CliError("USAGE", { message: "no link was given", hint: "paste it when asked, or pipe it in" });
}
