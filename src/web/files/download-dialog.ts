// Asks which files of an agent are wanted: by a path, or chosen in the list of a folder.

import { FILE_KIND } from "../../protocol/file-messages.ts";
import type { FileSession } from "../../protocol/file-session.ts";
import { harmless } from "../../text/harmless.ts";
import { element } from "../element.ts";
import { agentPath, FOLDER_HELP } from "./agent-path.ts";
import { type FolderRows, folderRows, listFolder } from "./folder-listing.ts";
import { isLocked, troubleText } from "./transfer-text.ts";

export interface DownloadDialogOptions {
  agentName: string;
  /** As many are taken. */
  room: number;
  /** What was typed the last time. */
  path: string;
  openFiles: () => FileSession;
  /** `typed`: for the next time. */
  download: (paths: readonly string[], typed: string) => void;
  /** A code of the second factor is wanted first. */
  onLocked: () => void;
  onClose: () => void;
}

/** Shows it; it is gone when it is closed. */
export function askFiles(host: HTMLElement, options: DownloadDialogOptions): void {
  const { agentName, room, openFiles, download, onLocked, onClose } = options;
  const path = element("input", {
    id: "download-path",
    value: options.path,
    placeholder: "home folder",
    autocomplete: "off",
    spellcheck: false,
    maxLength: 4000,
  });
  const trouble = element("p", { className: "trouble", role: "alert" });
  const list = element("ul", { className: "folder", hidden: true, ariaLabel: "In this folder" });
  const take = element("button", {
    type: "button",
    className: "primary",
    hidden: true,
    onclick: () => finish(chosen()),
  });
  const form = element(
    "form",
    {
      onsubmit(event) {
        event.preventDefault();
        void look(agentPath(path.value));
      },
    },
    element("label", { htmlFor: path.id }, "File or folder"),
    element("div", { className: "form-row" }, path, element("button", {}, "Open")),
    element("p", { className: "help" }, FOLDER_HELP),
  );
  const body = element("div", { className: "files-body" }, form, trouble, list);
  const cancel = element("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const title = `Download from ${agentName}`;
  const dialog: HTMLDialogElement = element(
    "dialog",
    { className: "files-dialog", ariaLabel: title },
    element("h2", {}, title),
    body,
    element("div", { className: "form-row" }, take, cancel),
  );
  let chosen: FolderRows["chosen"] = () => [];

  /** A file is fetched at once, a folder is listed. */
  async function look(wanted: string): Promise<void> {
    body.inert = true;
    trouble.textContent = "";
    const session = openFiles();
    try {
      const { kind, realPath } = await session.stat(wanted);
      if (kind === FILE_KIND.DIRECTORY) show(realPath, await listFolder(session, realPath));
      else finish([realPath]);
    } catch (error) {
      if (isLocked(error)) return locked();
      trouble.textContent = troubleText(error);
    } finally {
      session.close();
      body.inert = false;
    }
  }

  function show(folder: string, entries: Parameters<typeof folderRows>[1]): void {
    const made = folderRows(folder, entries, (wanted) => void look(wanted));
    ({ chosen } = made);
    path.value = harmless(folder) === folder ? folder : path.value;
    list.replaceChildren(...made.rows);
    list.hidden = false;
    list.scrollTop = 0;
    count();
  }

  function count(): void {
    const { length } = chosen();
    take.hidden = false;
    take.disabled = length === 0 || length > room;
    take.textContent = length === 1 ? "Download 1 file" : `Download ${length} files`;
    trouble.textContent = length > room ? `${room} more can be taken now.` : "";
  }

  function locked(): void {
    dialog.close();
    onLocked();
  }

  function finish(paths: readonly string[]): void {
    // It may have been closed while the agent was asked.
    if (!dialog.open) return;
    download(paths, path.value);
    dialog.close();
  }

  list.addEventListener("change", count);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  host.append(dialog);
  dialog.showModal();
  path.select();
}
