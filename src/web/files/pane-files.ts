// Files of the agent that a view is of: dropped on it, chosen, asked for, and on their way.

import type { ServerApi, ListedAgent } from "../server-api.ts";
import { element } from "../element.ts";
import { agentPath } from "./agent-path.ts";
import { Download } from "./download.ts";
import { askFiles } from "./download-dialog.ts";
import { dropZone } from "./drop-zone.ts";
import { openFiles } from "./open-files.ts";
import { Transfers } from "./transfers.ts";
import { Upload } from "./upload.ts";
import { askFolder } from "./upload-dialog.ts";

export interface PaneFilesDeps {
  agent: Pick<ListedAgent, "id" | "name">;
  /** The whole view, and what the terminal is in. */
  root: HTMLElement;
  stage: HTMLElement;
  /** Of the present login; throws where there is none. */
  api(): ServerApi;
  webSocketOrigin: string;
  /** Who only watches neither sends nor fetches. */
  isAllowed(): boolean;
  /** The agent is locked; goOn() is waited for. */
  askCode(): void;
  focus(): void;
}

export class PaneFiles {
  readonly #deps: PaneFilesDeps;
  readonly #transfers: Transfers;
  readonly #chooser = element("input", { type: "file", multiple: true, hidden: true, ariaLabel: "Files to upload" });
  #folder = "";
  #path = "";

  constructor(deps: PaneFilesDeps) {
    this.#deps = deps;
    this.#transfers = new Transfers({ openFiles: (onLink) => this.#open(onLink), onLocked: () => deps.askCode() });
    const zone = dropZone(deps.root, {
      text: `Drop files to upload them to ${deps.agent.name}`,
      // One question at a time.
      isOpen: () => deps.isAllowed() && deps.root.querySelector("dialog") === null,
      dropped: (files) => this.#ask(files),
    });
    deps.stage.append(zone);
    deps.stage.after(this.#transfers.root);
    deps.root.append(this.#chooser);
    this.#chooser.addEventListener("change", () => {
      const files = [...(this.#chooser.files ?? [])];
      // The same ones can be chosen again.
      this.#chooser.value = "";
      if (files.length > 0) this.#ask(files);
    });
  }

  get isUnderWay(): boolean {
    return this.#transfers.isUnderWay;
  }

  upload(): void {
    this.#chooser.click();
  }

  download(): void {
    const { agent, root } = this.#deps;
    askFiles(root, {
      agentName: agent.name,
      room: this.#transfers.room,
      path: this.#path,
      openFiles: () => this.#open(),
      download: (paths, typed) => {
        this.#path = typed;
        this.#transfers.add(paths.map((path) => new Download(path)));
      },
      onLocked: () => this.#deps.askCode(),
      onClose: () => this.#focus(),
    });
  }

  /** The agent is open again. */
  goOn(): void {
    this.#transfers.goOn();
  }

  dispose(): void {
    this.#transfers.dispose();
  }

  #ask(files: readonly File[]): void {
    const { agent, root } = this.#deps;
    askFolder(root, {
      agentName: agent.name,
      files,
      room: this.#transfers.room,
      folder: this.#folder,
      upload: (typed) => {
        this.#folder = typed;
        this.#transfers.add(files.map((file) => new Upload(file, agentPath(typed))));
      },
      onClose: () => this.#focus(),
    });
  }

  /** Not on a phone, where it would bring up the keyboard. */
  #focus(): void {
    if (matchMedia("(pointer: fine)").matches) this.#deps.focus();
  }

  #open(onLink?: (isThere: boolean) => void) {
    const { agent, webSocketOrigin } = this.#deps;
    const api = this.#deps.api();
    return openFiles({ api, webSocketOrigin, agentId: agent.id, ...(onLink === undefined ? {} : { onLink }) });
  }
}
