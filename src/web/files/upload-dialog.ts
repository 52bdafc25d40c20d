// Asks into which folder of an agent files are to be put.

import { byteCount } from "../../text/byte-count.ts";
import { harmless } from "../../text/harmless.ts";
import { element } from "../element.ts";
import { FOLDER_HELP } from "./agent-path.ts";

export interface UploadDialogOptions {
  agentName: string;
  files: readonly File[];
  /** As many are taken. */
  room: number;
  /** What was typed the last time. */
  folder: string;
  upload: (folder: string) => void;
  onClose: () => void;
}

/** Of what is about to be sent; the rest is counted. */
const SHOWN = 6;

/** Shows it; it is gone when it is closed. */
export function askFolder(host: HTMLElement, options: UploadDialogOptions): void {
  const { agentName, files, room, upload, onClose } = options;
  const isTooMuch = files.length > room;
  const folder = element("input", {
    id: "upload-folder",
    value: options.folder,
    placeholder: "home folder",
    autocomplete: "off",
    spellcheck: false,
    maxLength: 4000,
  });
  const shown = files.slice(0, SHOWN).map((file) => element("li", {}, `${harmless(file.name)} `, sizeOf(file)));
  if (files.length > SHOWN) shown.push(element("li", {}, `and ${files.length - SHOWN} more`));
  const trouble = isTooMuch ? `${room} more can be taken now. For many: rexec cp -r FOLDER AGENT:PATH` : "";
  const dialog: HTMLDialogElement = element(
    "dialog",
    { className: "files-dialog", ariaLabel: `Upload to ${agentName}` },
    element(
      "form",
      { method: "dialog", onsubmit: () => upload(folder.value) },
      element("h2", {}, `Upload to ${agentName}`),
      element("ul", { className: "file-names" }, ...shown),
      element("label", { htmlFor: folder.id }, "Folder"),
      folder,
      element("p", { className: "help" }, FOLDER_HELP),
      element("p", { className: "trouble", role: "alert" }, trouble),
      element(
        "div",
        { className: "form-row" },
        element("button", { className: "primary", disabled: isTooMuch }, "Upload"),
        element("button", { type: "button", onclick: () => dialog.close() }, "Cancel"),
      ),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  host.append(dialog);
  dialog.showModal();
  folder.select();
}

function sizeOf({ size }: File): HTMLElement {
  return element("span", { className: "file-size" }, byteCount(size));
}
