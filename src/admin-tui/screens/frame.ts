// The whole screen as lines: one less than the terminal has, each of its full width.

import type { AdminState } from "../state/model.ts";
import { layoutNow } from "../state/lists.ts";
import { MIN_COLS, MIN_ROWS } from "../state/layout.ts";
import { cursorId } from "../state/view.ts";
import { connectionOf } from "../state/connection.ts";
import type { Line } from "../theme/styles.ts";
import { inAscii } from "./ascii.ts";
import { drawDetails } from "./details.ts";
import { drawEventsPane } from "./events-pane.ts";
import { drawHints, drawMessage } from "./foot.ts";
import { drawBanner, drawFilter, drawTabs, drawTitle } from "./head.ts";
import { type Area, fitArea, fitLine, line, sideBySide, widthOf } from "./lines.ts";
import { drawList } from "./list.ts";
import { drawOverlay } from "./overlays.ts";
import { drawRefused } from "./refused.ts";
import { drawSessionLines } from "./session-lines.ts";

export function drawFrame(state: AdminState): Line[] {
  const lines = drawLines(state);
  return state.looks.isAscii ? lines.map(inAscii) : lines;
}

function drawLines(state: AdminState): Line[] {
  const layout = layoutNow(state);
  const { cols, lines } = layout;
  if (layout.isTooSmall)
    return fitArea([line(`rexec needs a window of ${MIN_COLS}x${MIN_ROWS}; q quits`)], { cols, lines });
  const banner = drawBanner(state);
  const head = [
    drawTitle(state, cols),
    drawTabs(state, cols),
    drawFilter(state, cols),
    ...(banner === undefined ? [] : [banner]),
  ];
  const foot = [drawMessage(state), drawHints(state, cols)];
  const body = drawBody(state, { cols, lines: lines - head.length - foot.length });
  const overlay = state.overlay && drawOverlay(state, state.overlay, { cols, lines: body.length });
  return fitArea([...head, ...(overlay === undefined ? body : laidOver(body, overlay, cols)), ...foot], {
    cols,
    lines,
  });
}

function drawBody(state: AdminState, area: Area): Line[] {
  const connection = connectionOf(state);
  if (connection.kind === "refused") return fitArea(drawRefused(connection.failure, area.cols), area);
  if (state.screen === "agent") return drawAgentScreen(state, area);
  const { listCols, detailCols, eventLines } = layoutNow(state);
  const listLines = area.lines - eventLines;
  const list = drawList(state, state.screen, { cols: listCols, lines: listLines });
  const main =
    detailCols === 0
      ? list
      : sideBySide(list, drawSide(state, { cols: detailCols, lines: listLines }), state.looks.isAscii ? "|" : "│");
  return eventLines === 0 ? main : [...main, ...drawEventsPane(state, { cols: area.cols, lines: eventLines })];
}

/** What a plot and its facts need; what is below them is for the agent's shells. */
const SIDE_DETAIL_LINES = 14;

function drawSide(state: AdminState, area: Area): Line[] {
  const agent = agentUnderCursor(state);
  const lines = Math.min(area.lines, SIDE_DETAIL_LINES);
  const below = { cols: area.cols, lines: area.lines - lines };
  const details = drawDetails(state, agent, { cols: area.cols, lines });
  return agent === undefined || below.lines < 2
    ? fitArea(details, area)
    : [...details, ...drawSessionLines(state, agent.id, below)];
}

/** Facts and plots above, the agent's sessions below. */
function drawAgentScreen(state: AdminState, area: Area): Line[] {
  const below = Math.max(4, Math.floor(area.lines / 3));
  const details = drawDetails(state, state.agents.get(state.detailsOf ?? ""), {
    cols: area.cols,
    lines: area.lines - below,
  });
  return [...details, ...drawList(state, "agent", { cols: area.cols, lines: below })];
}

function agentUnderCursor(state: AdminState) {
  const id = cursorId(state, state.screen) ?? "";
  return state.agents.get(state.screen === "sessions" ? (state.sessions.get(id)?.agentId ?? "") : id);
}

/** In the middle, with what it covers still to be seen around it. */
function laidOver(body: readonly Line[], box: readonly Line[], cols: number): Line[] {
  const top = Math.max(0, Math.floor((body.length - box.length) / 2));
  const indent = Math.max(0, Math.floor((cols - widthOf(box[0] ?? [])) / 2));
  return body.map((spans, i) => {
    const over = box[i - top];
    return over === undefined ? spans : fitLine([{ text: " ".repeat(indent) }, ...over], cols);
  });
}
