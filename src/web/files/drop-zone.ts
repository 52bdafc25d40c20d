// Where files may be dropped: drawn over a terminal while some are held above it.

import { element } from "../element.ts";

/** What is drawn. `target` takes what is dropped anywhere on it, while `isOpen` says so. */
export function dropZone(
  target: HTMLElement,
  { text, isOpen, dropped }: { text: string; isOpen: () => boolean; dropped: (files: readonly File[]) => void },
): HTMLElement {
  const root = element("div", { className: "drop-zone", hidden: true }, element("p", {}, text));
  const show = (event: DragEvent): void => {
    if (!holdsFiles(event) || !isOpen()) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
    root.hidden = false;
  };
  target.addEventListener("dragenter", show);
  target.addEventListener("dragover", show);
  target.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && target.contains(relatedTarget))) root.hidden = true;
  });
  target.addEventListener("drop", (event) => {
    root.hidden = true;
    if (!holdsFiles(event) || !isOpen()) return;
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) dropped(files);
  });
  return root;
}

/** A browser shows what is dropped beside all zones in place of the page, and of its terminals. */
export function refuseOtherDrops(): void {
  for (const type of ["dragover", "drop"] as const) {
    window.addEventListener(type, (event) => {
      if (event.defaultPrevented || !holdsFiles(event)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
    });
  }
}

function holdsFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") ?? false;
}
