// The files that are on their way to one agent and from it: which wait, which run, and what became of the others.

import { FileFailed, type FileSession } from "../../protocol/file-session.ts";
import { element } from "../element.ts";
import { CopyTrouble, type FileJob, FileThere } from "./file-job.ts";
import { type RowAction, TransferRow } from "./transfer-row.ts";
import { isLocked, thereText, troubleText } from "./transfer-text.ts";
import { Upload } from "./upload.ts";

export interface TransfersDeps {
  /** `onLink`: the connection is there, or is tried anew. */
  openFiles(onLink: (isThere: boolean) => void): FileSession;
  /** The agent is locked: goOn() is waited for. */
  onLocked(): void;
}

/** At one time; each has a session of its own, which the next one takes over. */
const MAX_AT_ONCE = 2;
/** Rows, those that are over among them. */
const MAX_TRANSFERS = 100;
/** What is given up has so long to stop and to be taken away. */
const GIVE_UP_MS = 3_000;
const LINK_LOST = "Connection lost. It goes on when it is back.";

interface Entry {
  job: FileJob;
  row: TransferRow;
  /**
   * asking: whether something is to be replaced · locked: for a code of the second factor · over: nothing of it runs, and
   * it may be taken up again.
   */
  state: "waiting" | "running" | "asking" | "locked" | "over";
  givenUp: AbortController;
}

export class Transfers {
  readonly root: HTMLElement;
  readonly #deps: TransfersDeps;
  readonly #list = element("ul", { className: "transfer-rows" });
  readonly #count = element("span", {});
  readonly #clear = element("button", { type: "button", onclick: () => this.#clearOver() }, "Clear finished");
  readonly #entries = new Set<Entry>();
  #workers = 0;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
    this.root = element(
      "section",
      { className: "transfers", ariaLabel: "Files", hidden: true },
      element("div", { className: "transfers-head" }, this.#count, this.#clear),
      this.#list,
    );
  }

  /** Whether leaving now would break something off. */
  get isUnderWay(): boolean {
    return [...this.#entries].some(({ state }) => state !== "over");
  }

  /** How many more there may be. */
  get room(): number {
    return MAX_TRANSFERS - [...this.#entries].filter(({ state }) => state !== "over").length;
  }

  /** Those that there is room for; what is over makes some. */
  add(jobs: readonly FileJob[]): void {
    const taken = jobs.slice(0, this.room);
    for (const entry of this.#entries) {
      if (this.#entries.size + taken.length <= MAX_TRANSFERS) break;
      if (entry.state === "over") this.#remove(entry);
    }
    for (const job of taken) {
      const row = new TransferRow(job.direction, job.title);
      const entry: Entry = { job, row, state: "waiting", givenUp: new AbortController() };
      this.#entries.add(entry);
      this.#list.append(row.root);
      this.#wait(entry);
    }
  }

  /** The agent is open again. */
  goOn(): void {
    for (const entry of this.#entries) if (entry.state === "locked") this.#wait(entry);
  }

  /** Gives up all of them. */
  dispose(): void {
    for (const entry of this.#entries) entry.givenUp.abort();
    this.#entries.clear();
  }

  /** Every change of a state comes by here. */
  #enter(entry: Entry, state: Entry["state"]): void {
    entry.state = state;
    entry.row.root.classList.toggle("over", state === "over");
    this.#showCount();
  }

  #showCount(): void {
    const over = [...this.#entries].filter(({ state }) => state === "over").length;
    this.root.hidden = this.#entries.size === 0;
    this.#count.textContent = `${over} of ${this.#entries.size} finished`;
    this.#clear.hidden = over === 0;
  }

  #clearOver(): void {
    for (const entry of this.#entries) if (entry.state === "over") this.#remove(entry);
  }

  #wait(entry: Entry): void {
    this.#enter(entry, "waiting");
    entry.givenUp = new AbortController();
    entry.row.show("Waiting", { actions: [this.#cancel(entry)] });
    if (this.#workers < MAX_AT_ONCE) void this.#work();
  }

  #next(): Entry | undefined {
    return [...this.#entries].find(({ state }) => state === "waiting");
  }

  /** One after the other on one session, while there are any. Never rejects. */
  async #work(): Promise<void> {
    this.#workers += 1;
    let current: Entry | undefined;
    let session: FileSession | undefined;
    const onLink = (isThere: boolean): void => current?.row.note(isThere ? "" : LINK_LOST);
    for (current = this.#next(); current !== undefined; current = this.#next()) {
      try {
        session ??= this.#deps.openFiles(onLink);
      } catch {
        this.#over(current, "Your login has ended.", [this.#again(current)], true);
        continue;
      }
      if (await this.#run(current, session)) continue;
      session.close();
      session = undefined;
    }
    session?.close();
    this.#workers -= 1;
  }

  /** Whether the session can be gone on with. */
  async #run(entry: Entry, session: FileSession): Promise<boolean> {
    const { job, row, givenUp } = entry;
    const { signal } = givenUp;
    this.#enter(entry, "running");
    row.show("Starting", { actions: [this.#cancel(entry)] });
    const run = job.run(session, {
      signal,
      progress: (doneBytes, totalBytes) => row.showProgress(doneBytes, totalBytes),
    });
    try {
      const told = await stopsSoon(run, signal);
      this.#over(entry, told, []);
      return true;
    } catch (error) {
      if (signal.aborted) {
        await takeAway(job, session);
        this.#over(entry, "Cancelled", [this.#again(entry)]);
        return false;
      }
      this.#fail(entry, error);
      const isItsOwn = [FileFailed, FileThere, CopyTrouble].some((kind) => error instanceof kind);
      return session.isInStep && isItsOwn;
    }
  }

  #fail(entry: Entry, error: unknown): void {
    if (error instanceof FileThere) return this.#ask(entry, error);
    if (!isLocked(error)) return this.#over(entry, troubleText(error), [this.#again(entry)], true);
    // The others would hear the same.
    for (const each of this.#entries) {
      if (each !== entry && each.state !== "waiting") continue;
      this.#enter(each, "locked");
      each.row.show(troubleText(error), { isTrouble: true, actions: [this.#again(each), this.#cancel(each)] });
    }
    this.#deps.onLocked();
  }

  #ask(entry: Entry, { info }: FileThere): void {
    this.#enter(entry, "asking");
    const replace = (): void => {
      if (entry.job instanceof Upload) entry.job.replace();
      this.#wait(entry);
    };
    const keep = (): void => this.#remove(entry);
    entry.row.show(thereText(info), {
      actions: [
        { label: "Replace", run: replace },
        { label: "Keep it", run: keep },
      ],
    });
  }

  #over(entry: Entry, told: string, actions: readonly RowAction[], isTrouble = false): void {
    this.#enter(entry, "over");
    entry.row.show(told, { isTrouble, actions: [...actions, { label: "Dismiss", run: () => this.#remove(entry) }] });
  }

  #cancel(entry: Entry): RowAction {
    const run = (): void => {
      if (entry.state !== "running") return this.#remove(entry);
      entry.row.show("Stopping", { actions: [] });
      entry.givenUp.abort();
    };
    return { label: "Cancel", run };
  }

  #again(entry: Entry): RowAction {
    return { label: "Try again", run: () => this.#wait(entry) };
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    entry.row.root.remove();
    this.#showCount();
  }
}

/** As `run`, which stops by itself when it is given up, unless the connection is away: that is not waited for. */
async function stopsSoon<T>(run: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => setTimeout(() => late.reject(signal.reason), GIVE_UP_MS));
  return Promise.race([run, late.promise]);
}

async function takeAway(job: FileJob, session: FileSession): Promise<void> {
  if (!session.isInStep) return;
  const late = new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS));
  // Where the agent can't be reached it stays, and the same file again would go on with it.
  await Promise.race([job.discard(session).catch(() => {}), late]);
}
