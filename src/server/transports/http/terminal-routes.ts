// What a page asks beside its WebSockets: why one was refused, which browsers don't tell, and to be let in with a code.

import { z } from "zod";
import { MAIN_SESSION } from "../../../protocol/ids.ts";
import type { UnlockAgentDeps } from "../../domain/mfa/unlock-agent.ts";
import { verifyAccess } from "../../domain/mfa/verify-access.ts";
import { checkTerminal, type CheckTerminalDeps } from "../../domain/terminals/check-terminal.ts";
import { agentIdOf, parseBody } from "./agent-json.ts";
import type { CallerRoute } from "./route.ts";

export type TerminalRouteDeps = CheckTerminalDeps & UnlockAgentDeps;

const CODE = z.object({ code: z.string() });

export const TERMINAL_ROUTES: readonly CallerRoute<TerminalRouteDeps>[] = [
  {
    method: "GET",
    path: "/api/agents/:id/terminal",
    access: "read",
    // It tells what a handshake does, and is to be had as often.
    action: "terminal",
    /** Who may look may have a WebSocket: what they may do there is asked there. */
    async serve(deps, { caller, params }) {
      const terminal = { sessionId: MAIN_SESSION, readOnly: true };
      await checkTerminal(deps, { caller, agentId: agentIdOf(params), terminal });
      return { status: 200, body: {} };
    },
  },
  {
    method: "POST",
    path: "/api/agents/:id/verify",
    access: "write",
    action: "code",
    async serve(deps, { caller, params, body, signal }) {
      const { code } = parseBody(CODE, await body());
      const { grantedUntil } = await verifyAccess(deps, { caller, agentId: agentIdOf(params), code, signal });
      return { status: 200, body: { granted_until: grantedUntil } };
    },
  },
];
