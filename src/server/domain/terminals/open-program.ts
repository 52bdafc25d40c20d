// Opens a session without a terminal for somebody, whose viewer is in this process; ended by all that ends a viewer
// elsewhere.

import type { Program } from "../../../protocol/control-frame.ts";
import { reasonOfMessage } from "../../../protocol/errors.ts";
import { type AttachmentKey, type ConnectionId, programId } from "../../../protocol/ids.ts";
import type { OpenConnections } from "../access/open-connections.ts";
import { mayOpenTerminal, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Agent } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import type { Log } from "../log.ts";
import type { TerminalSlots } from "../plans/plan.ts";
import { admitViewer, type AdmitViewerDeps } from "./admit-viewer.ts";
import type { GrantWatch } from "./grant-watch.ts";
import { type ProgramConsumer, ProgramViewer } from "./program-viewer.ts";
import type { TerminalRouter } from "./terminal-router.ts";

export interface OpenProgramDeps extends AdmitViewerDeps {
  router: Pick<TerminalRouter, "openViewer">;
  connections: Pick<OpenConnections, "add" | "delete">;
  grants: Pick<GrantWatch, "add" | "delete" | "look">;
  slots: Pick<TerminalSlots, "acquire" | "release">;
  secrets: Pick<Secrets, "randomUuid" | "randomHex">;
  log: Log;
}

export interface OpenProgramInput {
  caller: UserIdentity;
  agent: Agent;
  program: Program;
  signal: AbortSignal;
}

/** It has none; the wire wants a size. */
const NO_WINDOW = { cols: 80, rows: 24 };

/**
 * The caller ends what it gets, in any case. Throws NOT_AUTHORIZED, and as admitViewer does; what the agent itself refuses
 * comes by the viewer's end.
 */
export async function openProgram(
  deps: OpenProgramDeps,
  { caller, agent, program, signal }: OpenProgramInput,
  consumer: ProgramConsumer,
): Promise<ProgramViewer> {
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
