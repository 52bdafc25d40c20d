// One agent that this instance holds, or has a route to: its link, its shells, and the viewers on them here. Outlives
// the link for a grace time, so that viewers go on where they were when the agent dials in again, here or elsewhere.

import { AGENT_STATE, type ControlMessage, type ControlOf, encodeControl } from "../../../protocol/control-frame.ts";
import { FRAME, readHeader } from "../../../protocol/data-frame.ts";
import { CLOSE, type ErrorReason, isErrorReason } from "../../../protocol/errors.ts";
import type { BootId } from "../../../protocol/ids.ts";
import { MAX_VIEWERS_PER_SESSION } from "../../../protocol/limits.ts";
import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import type { AgentRef } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import { AgentRelays } from "./agent-relays.ts";
import { AgentShells, type ShellsOwner } from "./agent-shells.ts";
import { AgentViewers, type ViewersOwner } from "./agent-viewers.ts";
import { AttachesUnderWay, type AttachmentOwner, attachmentOwner } from "./attaches-under-way.ts";
import { AttachRequests } from "./attach-requests.ts";
import { ExecRequests } from "./exec-requests.ts";
import type { AgentLink } from "./links.ts";
import type { ShellSession } from "./shell-session.ts";
import { attachingUser, type Viewer } from "./viewer.ts";

/** What the owner of HeldAgents wants to hear of them. */
export interface HeldAgentEvents {
  onSession(held: HeldAgent, change: "opened" | "ended" | "resized", session: ShellSession): void;
  /** Once for each viewer, however often its agent dials in anew. */
  onViewer(held: HeldAgent, change: "joined" | "left", viewer: Viewer): void;
}

export class HeldAgent implements ShellsOwner, ViewersOwner {
  readonly agent: AgentRef;
  readonly clock: Clock;
  readonly sessions: AgentShells;
  readonly execs = new ExecRequests();
  /** Other instances with viewers of it. */
  relays: AgentRelays | undefined;
  link: AgentLink | undefined;
  bootId: BootId | undefined;
  /** The last link was a route, or another instance holds it by now: what becomes of the shells, others tell. */
  isElsewhere = false;
  readonly #events: HeldAgentEvents;
  readonly #attaching = new AttachRequests();
  readonly #underWay = new AttachesUnderWay(this);
  readonly #viewers = new AgentViewers(this);

  constructor(agent: AgentRef, events: HeldAgentEvents, clock: Clock) {
    this.agent = agent;
    this.clock = clock;
    this.#events = events;
    this.sessions = new AgentShells(this);
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers.all;
  }

  onShell(change: "opened" | "ended", session: ShellSession): void {
    this.#events.onSession(this, change, session);
  }

  onViewer(change: "joined" | "left", viewer: Viewer): void {
    this.#events.onViewer(this, change, viewer);
  }

  /** For another instance that has viewers of it. */
  openRelays(): AgentRelays {
    this.relays ??= new AgentRelays({
      link: () => this.link,
      shells: this.sessions,
      now: () => this.clock.now(),
      underWay: this.#underWay,
      onTakenAway: (attachment) => this.#replaceOlderConnection(attachment),
    });
    return this.relays;
  }

  /** The agent has dialled in. Viewers that wait for it go on where they were; another boot has none of their shells. */
  linkUp(link: AgentLink, bootId: BootId | undefined, sessions: readonly ControlOf<"sessionStarted">[]): void {
    const sameBoot = bootId !== undefined && bootId === this.bootId;
    this.link = link;
    this.isElsewhere = link.via !== undefined;
    this.bootId = bootId;
    if (sameBoot) this.sessions.endUnlisted(sessions);
    else this.#forgetOtherBoot();
    for (const started of sessions) this.sessions.learn(started, link);
    for (const viewer of this.viewers) {
      viewer.link.sendControl({ $case: "agentState", value: { state: AGENT_STATE.ONLINE } });
      this.#requestAttach(viewer);
    }
  }

  /** The link is gone. Compare first: an old connection's end never touches a new one. */
  linkDown(link: AgentLink): boolean {
    if (this.link !== link) return false;
    this.link = undefined;
    this.#attaching.clear();
    this.#underWay.clear();
    this.relays?.closeAll();
    for (const viewer of this.viewers) {
      viewer.state = viewer.state === "closed" ? "closed" : "attaching";
      viewer.flow.onLinkLost();
      viewer.link.sendControl({ $case: "agentState", value: { state: AGENT_STATE.OFFLINE } });
    }
    return true;
  }

  /** Puts a viewer on its shell; the answer comes through its link. The agent must be linked. */
  addViewer(viewer: Viewer): void {
    if (this.#viewers.countOf(viewer.open.sessionId) >= MAX_VIEWERS_PER_SESSION)
      return viewer.refuse("SESSION_LIMIT_REACHED");
    if (!this.#isThereFor(viewer)) return viewer.refuse("SESSION_NOT_FOUND");
    this.#viewers.add(viewer);
    this.#requestAttach(viewer);
  }

  /** The viewer's socket has gone. `linger`: it may come back. */
  removeViewer(viewer: Viewer, linger: boolean): void {
    if (!this.#viewers.remove(viewer)) return;
    viewer.state = "closed";
    const session = this.sessions.get(viewer.stream);
    session?.remove(viewer, this.link);
    this.#attaching.forget(viewer);
    if (this.#viewers.on(viewer.attachment) !== viewer) return;
    this.#viewers.detached(viewer.attachment);
    this.#underWay.letGo({ attachment: viewer.attachment, linger }, ownerOf(viewer));
    if (session) this.sessions.forgetUnread(session);
  }

  /** Nobody waits for this agent any more: its shells count as ended, and its viewers are told why. */
  giveUp(reason: ErrorReason): void {
    this.#forgetShells(
      () => true,
      (viewer) => viewer.refuse(reason),
    );
  }

  /** A data frame from the agent. Throws FrameError for one that can't be. */
  onAgentFrame(frame: Uint8Array): void {
    const link = this.link;
    if (!link) return;
    const header = readHeader(frame);
    const viewer = header.attachment === 0 ? undefined : this.#viewers.on(header.attachment);
    if (header.attachment !== 0 && viewer === undefined) this.relays?.sendTo(header.attachment, frame);
    if (header.type === FRAME.OUTPUT) {
      const session = this.sessions.get(header.stream);
      if (!session) return;
      session.lastOutputAtMs = this.clock.now();
      if (header.attachment === 0) {
        session.onBroadcast(header, frame, link);
        this.relays?.broadcast(header, frame);
      } else if (viewer?.stream === header.stream) session.onReplayed(header, frame, viewer, link);
    } else if (header.type === FRAME.INPUT_ACK) viewer?.onInputAck(header, frame);
  }

  /** A control message from the agent; the caller has checked that an agent may send it. */
  onAgentControl(message: ControlMessage): void {
    switch (message.$case) {
      case "sessionStarted":
        this.sessions.learn(message.value, this.link);
        this.relays?.tellAll(message);
        return;
      case "attached": {
        const owner = this.#underWay.answered(message.value.requestId, message.value.attachment);
        if (!this.relays?.onAttached(message.value)) this.#onAttached(message.value, owner);
        return;
      }
      case "attachRefused":
        this.#underWay.answered(message.value.requestId);
        if (!this.relays?.onAttachRefused(message.value)) this.#onAttachRefused(message.value);
        return;
      case "snapshot":
        this.#forwardTo(message.value.attachment, message, (viewer) => viewer.flow.onSnapshot(message.value.offset));
        return;
      case "gap":
        this.#forwardTo(message.value.attachment, message);
        return;
      case "resized": {
        this.relays?.tellAll(message);
        const session = this.sessions.get(message.value.stream);
        if (!session) return;
        session.onResized(message.value);
        this.#events.onSession(this, "resized", session);
        return;
      }
      case "sessionEnded":
        this.relays?.tellAll(message);
        this.sessions.end(message.value, this.link);
        return;
      case "stats":
        this.relays?.tellAll(message);
        for (const { open, link } of this.viewers) if (!open.guest) link.sendControl(message);
        return;
      case "execResult":
        if (!this.relays?.onExecResult(message.value)) this.execs.deliver(message.value);
        return;
      case "detach":
        // The holder's word: the attachment has a viewer elsewhere.
        this.#replaceOlderConnection(message.value.attachment);
        return;
      default:
        return;
    }
  }

  /** A data frame from a viewer: "ok", or why its connection must end. */
  onViewerFrame(viewer: Viewer, frame: Uint8Array): "ok" | "future_ack" | "too_much_input" {
    const header = readHeader(frame);
    const session = this.sessions.get(viewer.stream);
    if (header.type === FRAME.OUTPUT_ACK) {
      if (viewer.state !== "attached" || !session || header.stream !== viewer.stream) return "ok";
      if (header.attachment !== viewer.attachment) return "ok";
      return session.onViewerAck(viewer, header, frame, this.link) === "future" ? "future_ack" : "ok";
    }
    if (header.type !== FRAME.INPUT) {
      viewer.notify("UNKNOWN_MESSAGE_TYPE");
      return "ok";
    }
    switch (viewer.judgeInput(header, frame.length)) {
      case "pass":
        session?.onInput(frame, this.link, this.clock.now());
        this.link?.sendFrame(frame);
        return "ok";
      case "refuse":
        viewer.notify("NOT_AUTHORIZED");
        return "ok";
      case "later":
        return "ok";
      case "too_much":
        return "too_much_input";
    }
  }

  /** The viewer's window has a new size; the agent decides whose size the shell has. */
  onViewerResize(viewer: Viewer, size: TerminalSize): void {
    viewer.size = size;
    if (viewer.state === "attached" && !viewer.open.readOnly) {
      this.link?.sendControl({ $case: "resize", value: { attachment: viewer.attachment, ...size } });
    }
  }

  /** Gives up what has waited too long: attaches without an answer, viewers that never fetch the rest of an ended shell. */
  expire(now: number): void {
    this.execs.expire(now);
    if (this.#attaching.size === 0 && this.sessions.size === 0) return;
    for (const viewer of this.#attaching.takeOverdue(now)) viewer.refuse("AGENT_RECONNECTING");
    this.sessions.expire(now);
  }

  /** Nobody starts a shell as a guest: not even one is asked for that does not run, or has begun since it was shared. */
  #isThereFor(viewer: Viewer): boolean {
    const { guest, sessionId } = viewer.open;
    return !guest || [...this.sessions.values()].some((session) => session.id === sessionId && viewer.mayJoin(session));
  }

  #requestAttach(viewer: Viewer): void {
    if (!this.link || viewer.state === "closed") return;
    const requestId = this.#underWay.add(ownerOf(viewer));
    this.#attaching.add(requestId, viewer, this.clock.monotonicMs());
    this.link.sendControl({ $case: "attach", value: viewer.askToAttach(requestId) });
  }

  #onAttached(attached: ControlOf<"attached">, owner: AttachmentOwner): void {
    const viewer = this.#attaching.take(attached.requestId);
    if (!viewer || viewer.state === "closed") {
      return this.#underWay.letGo({ attachment: attached.attachment, linger: true }, owner);
    }
    const session = this.sessions.attachedTo(attached);
    if (!session) return viewer.refuse("INTERNAL");
    if (!viewer.mayJoin(session)) {
      this.#underWay.letGo({ attachment: attached.attachment, linger: false }, owner);
      return viewer.refuse("SESSION_NOT_FOUND");
    }
    // A v1 agent starts a shell anew where it was to go on with one that has ended.
    if (viewer.stream !== session.stream) this.sessions.get(viewer.stream)?.viewers.delete(viewer);
    this.#replaceOlderConnection(attached.attachment, viewer);
    this.relays?.takeAway(attached.attachment);
    viewer.onAttached(attached);
    session.head = Math.max(session.head, attached.outputOffset);
    session.viewers.add(viewer);
    this.#viewers.attached(attached.attachment, viewer);
    viewer.tellOpened(attached, this.link?.protocol ?? "rexec.v2");
    // Its window has changed while the agent was asked.
    if (viewer.size !== viewer.toldSize) this.onViewerResize(viewer, viewer.size);
    session.pump(viewer, this.link);
  }

  /** A viewer came back before its old connection was known to be dead: the old one goes. */
  #replaceOlderConnection(attachment: number, viewer?: Viewer): void {
    const older = this.#viewers.on(attachment);
    if (!older || older === viewer) return;
    this.#viewers.detached(attachment);
    this.#viewers.remove(older);
    this.sessions.get(older.stream)?.viewers.delete(older);
    older.closeWith(CLOSE.NORMAL, "resumed elsewhere");
  }

  #onAttachRefused(refused: ControlOf<"attachRefused">): void {
    const viewer = this.#attaching.take(refused.requestId);
    if (!viewer || viewer.state === "closed") return;
    if (refused.ended) {
      viewer.link.sendControl({ $case: "sessionEnded", value: refused.ended });
      viewer.closeWith(CLOSE.SESSION_ENDED, `exit ${refused.ended.exitCode}`);
      this.sessions.end(refused.ended, this.link);
    } else viewer.refuse(isErrorReason(refused.reason) ? refused.reason : "INTERNAL");
  }

  #forwardTo(attachment: number, message: ControlMessage, before?: (viewer: Viewer) => void): void {
    const viewer = this.#viewers.on(attachment);
    if (!viewer) this.relays?.sendTo(attachment, encodeControl(message));
    const session = viewer && this.sessions.get(viewer.stream);
    if (!viewer || !session || viewer.state !== "attached") return;
    before?.(viewer);
    viewer.link.sendControl(message);
    session.pump(viewer, this.link);
  }

  #forgetOtherBoot(): void {
    const wasAttached = ({ stream }: Viewer): boolean => stream !== 0;
    this.#forgetShells(wasAttached, (viewer) => {
      viewer.notify("SESSION_NOT_FOUND");
      viewer.closeWith(CLOSE.SESSION_ENDED, "agent restarted");
    });
  }

  #forgetShells(isGivenUp: (viewer: Viewer) => boolean, tell: (viewer: Viewer) => void): void {
    this.sessions.endAll();
    this.#viewers.allDetached();
    for (const viewer of [...this.viewers].filter(isGivenUp)) {
      this.#viewers.remove(viewer);
      tell(viewer);
    }
  }
}

function ownerOf({ open }: Viewer): AttachmentOwner {
  return attachmentOwner({ userId: attachingUser(open), key: open.key });
}
