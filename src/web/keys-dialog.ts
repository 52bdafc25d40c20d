// The page's keys, told to people.

import { element } from "./element.ts";
import { SHORTCUTS } from "./shortcuts.ts";

export function keysDialog(): HTMLDialogElement {
  const rows = SHORTCUTS.flatMap(({ keys, description }) => [
    element("dt", {}, element("kbd", {}, keys)),
    element("dd", {}, description),
  ]);
  return element(
    "dialog",
    { className: "keys", ariaLabel: "Keys" },
    element("h2", {}, "Keys"),
    element("dl", {}, ...rows),
    element("p", {}, "With something selected, Ctrl+C copies it. All other keys are the shell’s."),
    element("form", { method: "dialog" }, element("button", { className: "primary" }, "Close")),
  );
}
