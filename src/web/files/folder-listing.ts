// What is in a folder of an agent, to be chosen from.

import { FILE_KIND, type FileInfo } from "../../protocol/file-messages.ts";
import type { FileSession } from "../../protocol/file-session.ts";
import { byteCount } from "../../text/byte-count.ts";
import { harmless } from "../../text/harmless.ts";
import { element } from "../element.ts";
import { CopyTrouble } from "./file-job.ts";

/** More than these nobody reads through, and all of them are held here to be sorted. */
const MAX_ENTRIES = 5_000;

/** What copies have left, or are at. */
const PART = /^\..*\.[0-9a-f]{16,64}\.rexec-part$/s;

/** Folders first, each by name. Throws as FileSession does, and CopyTrouble. */
export async function listFolder(session: FileSession, path: string): Promise<FileInfo[]> {
  const all: FileInfo[] = [];
  await session.list(path, async (entries) => {
    all.push(...entries.filter(({ name }) => !PART.test(name)));
    if (all.length > MAX_ENTRIES)
      throw new CopyTrouble(`It has more than ${MAX_ENTRIES} entries: say which file you want.`);
  });
  const rank = ({ kind }: FileInfo): number => (kind === FILE_KIND.DIRECTORY ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

export interface FolderRows {
  rows: HTMLElement[];
  /** Absolute. */
  chosen: () => string[];
}

/** `look`: at what may be a folder. Devices and pipes are left out: they can't be fetched. */
export function folderRows(folder: string, entries: readonly FileInfo[], look: (path: string) => void): FolderRows {
  const boxes = new Map<string, HTMLInputElement>();
  const below = (name: string): string => `${folder.replace(/\/$/, "")}/${name}`;
  const way = (path: string, text: string) =>
    element("li", {}, element("button", { type: "button", onclick: () => look(path) }, text));
  const up = folder === "/" ? [] : [way(folder.slice(0, folder.lastIndexOf("/")) || "/", "../")];
  const rows = entries.flatMap(({ name, kind, size }) => {
    if (kind === FILE_KIND.DIRECTORY) return way(below(name), `${harmless(name)}/`);
    if (kind === FILE_KIND.SYMLINK) return way(below(name), `${harmless(name)} →`);
    if (kind !== FILE_KIND.FILE) return [];
    const box = element("input", { type: "checkbox" });
    boxes.set(below(name), box);
    const text = element("span", { className: "file-name" }, harmless(name));
    const figure = element("span", { className: "file-size" }, byteCount(size));
    return element("li", {}, element("label", {}, box, text, figure));
  });
  return {
    rows: [...up, ...rows],
    chosen: () => [...boxes].filter(([, box]) => box.checked).map(([path]) => path),
  };
}
