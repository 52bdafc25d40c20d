// The shells of one agent, a line each, below its details where they stand beside a list.

import { shortDuration } from "../../text/ago.ts";
import type { AdminState } from "../state/model.ts";
import { rateNow } from "../state/session-row.ts";
import { sessionsOf } from "../tables/agents.ts";
import { userName } from "../tables/names.ts";
import { byteCount } from "../../text/byte-count.ts";
import type { Line } from "../theme/styles.ts";
import { type Area, fitArea, line } from "./lines.ts";

export function drawSessionLines(state: AdminState, agentId: string, area: Area): Line[] {
  const sessions = sessionsOf(state, agentId);
  const room = area.lines - 1;
  const shown = sessions.length > room ? sessions.slice(0, room - 1) : sessions;
  const rows = shown.map((session): Line => {
    const { traffic, viewers } = session;
    const who = viewers.map(
      ({ userId, isGuest, isReadOnly }) =>
        `${isGuest ? "guest of " : ""}${userName(state, userId)}${isReadOnly ? " (watches)" : ""}`,
    );
    const size = session.cols > 0 ? `${session.cols}x${session.rows}` : "";
    const rate = rateNow(traffic.outputRate, traffic, state.nowMs);
    const out = Number.isNaN(rate) ? "" : `out ${byteCount(rate)}/s`;
    const age = shortDuration(state.nowMs - session.startedAtMs);
    const text = ` ${session.sessionId.slice(0, 14).padEnd(14)} ${size.padEnd(8)} ${age.padStart(4)}  ${out.padEnd(12)}`;
    return [
      { text },
      { text: who.length === 0 ? "nobody looks" : who.join(", "), style: who.length === 0 ? "dim" : "plain" },
    ];
  });
  const hidden = sessions.length - shown.length;
  return fitArea(
    [line(" SESSIONS", "strong"), ...rows, ...(hidden > 0 ? [line(` and ${hidden} more`, "dim")] : [])],
    area,
  );
}
