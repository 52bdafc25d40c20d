// Runs a program on an agent for somebody, whose viewer is in this process; ended by all that ends a viewer elsewhere.

import type { Program } from "../../../protocol/control-frame.ts";
import { reasonOfMessage } from "../../../protocol/errors.ts";
import { type AttachmentKey, type ConnectionId, programId } from "../../../protocol/ids.ts";
import type { OpenConnections } from "../access/open-connections.ts";
import { mayOpenTerminal, requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { Log } from "../log.ts";
import type { TerminalSlots } from "../plans/plan.ts";
import { admitViewer, type AdmitViewerDeps } from "./admit-viewer.ts";
import type { GrantWatch } from "./grant-watch.ts";
import { type ProgramConsumer, ProgramViewer } from "./program-viewer.ts";
import type { TerminalRouter } from "./terminal-router.ts";

export interface ExecDeps extends ReachableAgentDeps, AdmitViewerDeps {
  router: Pick<TerminalRouter, "openViewer">;
  connections: Pick<OpenConnections, "add" | "delete">;
  grants: Pick<GrantWatch, "add" | "delete" | "look">;
  slots: Pick<TerminalSlots, "acquire" | "release">;
  secrets: Secrets;
  log: Log;
}

export interface ExecInput {
  caller: UserIdentity;
  agentId: string;
  program: Program;
  signal: AbortSignal;
}

/** It has none; the wire wants a size. */
const NO_WINDOW = { cols: 80, rows: 24 };

/**
 * The caller ends what it gets, in any case. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED, MFA_REQUIRED, AGENT_OFFLINE,
 * AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED, SESSION_LIMIT_REACHED, UNIMPLEMENTED; some of them by what it returns.
 */
export async function exec(deps: ExecDeps, input: ExecInput, consumer: ProgramConsumer): Promise<ProgramViewer> {
  const caller = requireScope(input.caller, "write");
  const { agentId, program, signal } = input;
  const agent = await reachableAgent(deps, { caller, agentId, field: "start.agent_id" });
  checkProgram(program);
  const sessionId = programId(deps.secrets.randomUuid());
  if (!mayOpenTerminal(caller, agent, { sessionId, readOnly: false })) throw new DomainError("NOT_AUTHORIZED");
  const connectionId = deps.secrets.randomUuid() as ConnectionId;
  const { grantedUntil, slot } = await admitViewer(deps, { identity: caller, agent, connectionId });
  const viewer = new ProgramViewer(consumer, () => {
    deps.connections.delete(connection);
    deps.grants.delete(connection);
    deps.slots.release(slot).catch((error: unknown) => {
      deps.log.warn({ agentId: agent.id, err: error }, "terminal slot not released");
    });
  });
  const connection = {
    agentId: agent.id,
    userId: caller.user.id,
    ownerId: agent.userId,
    identity: caller,
    credential: caller.credential,
    close: (_code: number, text: string) => viewer.end(new DomainError(reasonOfMessage(text) ?? "INTERNAL")),
    // The edge knows whether its caller is there.
    ping: () => {},
    terminate: () => {},
  };
  deps.connections.add(connection);
  deps.grants.add(connection, grantedUntil);
  try {
    // What has ended between the admission and now.
    await deps.grants.look(connection);
    signal.throwIfAborted();
  } catch (error) {
    viewer.end(new DomainError("INTERNAL"));
    throw error;
  }
  viewer.start((link) =>
    deps.router.openViewer(
      agent.id,
      {
        userId: caller.user.id,
        key: deps.secrets.randomHex(16) as AttachmentKey,
        sessionId,
        create: true,
        readOnly: false,
        size: NO_WINDOW,
        scrollbackLines: 0,
        program,
        resume: undefined,
      },
      link,
    ),
  );
  return viewer;
}

/** What no agent takes is refused by its field; the rest each agent decides (src/agent/program/program-command.ts). */
function checkProgram({ argv, throughShell, cwd }: Program): void {
  const [first = "", ...rest] = argv;
  if (first === "") throw invalidField("start.argv", "must name a program");
  if (throughShell && rest.length > 0) throw invalidField("start.argv", "must be one text with through_shell");
  if (cwd !== "" && !cwd.startsWith("/")) throw invalidField("start.cwd", "must be an absolute path");
}
