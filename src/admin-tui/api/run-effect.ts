// What updates want done: calls to the server, terminals, the clipboard, files; and what came of it.

import { writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { MfaServiceService } from "../../gen/rexec/mfa/v1/mfa_service.ts";
import { PlanServiceService } from "../../gen/rexec/plan/v1/plan_service.ts";
import { TokenScope, TokenServiceService } from "../../gen/rexec/token/v1/token_service.ts";
import { UserServiceService } from "../../gen/rexec/user/v1/user_service.ts";
import type { Effect, TerminalToOpen } from "../state/effects.ts";
import type { Message } from "../state/messages.ts";
import { planRow, tokenRow, userRow } from "../state/other-rows.ts";
import { allPages } from "./all-pages.ts";
import { failureOf, type ControlPlane } from "./control-plane.ts";
import { makeChanges } from "./make-changes.ts";

/** Names of more users than this are shown as ids; of more tokens, the newest are listed. */
const MAX_PAGES = 10;
const DAY_MS = 86_400_000;

const SCOPES: Readonly<Record<string, TokenScope>> = {
  read: TokenScope.TOKEN_SCOPE_READ,
  write: TokenScope.TOKEN_SCOPE_WRITE,
  admin: TokenScope.TOKEN_SCOPE_ADMIN,
};

export interface EffectDeps {
  api: ControlPlane;
  dispatch: (message: Message) => void;
  now: () => number;
  /** Runs a terminal on this one; resolves with what is to be said of its end. Rejects with an ApiFailure. */
  openTerminal: (terminal: TerminalToOpen) => Promise<string | undefined>;
  /** OSC 52: the terminal's own clipboard, over any number of connections. */
  copy: (text: string) => void;
  quit: () => void;
}

/** Never rejects: what goes wrong is a message. */
export async function runEffect(deps: EffectDeps, effect: Effect): Promise<void> {
  const { api, dispatch, now } = deps;
  try {
    switch (effect.kind) {
      case "change":
        return await makeChanges(deps, effect);
      case "create-token":
        return await createToken(deps, effect);
      case "open-terminal":
        return await openTerminal(deps, effect);
      case "load":
        return await load(deps, effect.what);
      case "load-lock": {
        const { lockedAt } = await api.call(MfaServiceService.getLockState, { agentId: effect.agentId });
        return dispatch({ kind: "lock-state", agentId: effect.agentId, lockedAtMs: lockedAt?.getTime() });
      }
      case "copy":
        return deps.copy(effect.text);
      case "export":
        // A file that is there already is somebody's.
        await writeFile(effect.path, effect.text, { mode: 0o600, flag: "wx" });
        return dispatch({ kind: "notice", notice: { kind: "ok", text: `wrote ${effect.path}` }, nowMs: now() });
      case "quit":
        return deps.quit();
      default:
        return effect satisfies never;
    }
  } catch (error) {
    dispatch({ kind: "failed", doing: DOING[effect.kind], failure: failureOf(error), nowMs: now() });
  }
}

const DOING: Readonly<Record<Effect["kind"], string>> = {
  change: "changing",
  "create-token": "no token made",
  "open-terminal": "no terminal",
  load: "loading",
  "load-lock": "lock state",
  copy: "copying",
  export: "not exported",
  quit: "leaving",
};

async function createToken(
  { api, dispatch }: EffectDeps,
  { name, scopes, expiresInDays }: Extract<Effect, { kind: "create-token" }>,
): Promise<void> {
  const { secret } = await api.call(TokenServiceService.createToken, {
    name,
    scopes: scopes.map((scope) => SCOPES[scope] ?? TokenScope.TOKEN_SCOPE_UNSPECIFIED),
    agentId: "",
    expiresAt: expiresInDays === undefined ? undefined : new Date(Date.now() + expiresInDays * DAY_MS),
    requestId: randomUUID(),
    replacesTokenId: "",
    overlap: undefined,
  });
  dispatch({ kind: "token-created", name, secret });
}

async function openTerminal(
  { api, dispatch, now, openTerminal: open }: EffectDeps,
  { terminal, code }: Extract<Effect, { kind: "open-terminal" }>,
): Promise<void> {
  if (code !== undefined) await api.call(MfaServiceService.verifyAccess, { agentId: terminal.agentId, code });
  const said = await open(terminal);
  if (said !== undefined) dispatch({ kind: "notice", notice: { kind: "info", text: said }, nowMs: now() });
}

async function load({ api, dispatch }: EffectDeps, what: "tokens" | "users" | "plans"): Promise<void> {
  switch (what) {
    case "tokens": {
      const tokens = await allPages(
        (page) => api.call(TokenServiceService.listTokens, { ...page, filter: "", orderBy: "created_at desc" }),
        ({ tokens: those }) => those,
        MAX_PAGES,
      );
      return dispatch({ kind: "tokens", tokens: tokens.map(tokenRow) });
    }
    case "users": {
      const users = await allPages(
        (page) => api.call(UserServiceService.listUsers, { ...page, filter: "", orderBy: "" }),
        ({ users: those }) => those,
        MAX_PAGES,
      );
      return dispatch({ kind: "users", users: users.map(userRow) });
    }
    case "plans": {
      const plans = await allPages(
        (page) => api.call(PlanServiceService.listPlans, { ...page, filter: "", orderBy: "" }),
        ({ plans: those }) => those,
        MAX_PAGES,
      );
      return dispatch({ kind: "plans", plans: plans.map(planRow) });
    }
    default:
      return what satisfies never;
  }
}
