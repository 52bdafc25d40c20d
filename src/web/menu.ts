// A button that opens a list of others.

import { element } from "./element.ts";

export interface MenuItem {
  label: string;
  run(): void;
}

export function menu(label: string, title: string, items: readonly MenuItem[]): HTMLElement {
  const buttons = items.map((item) =>
    element(
      "button",
      {
        type: "button",
        onclick() {
          root.open = false;
          item.run();
        },
      },
      item.label,
    ),
  );
  const list = element("div", { className: "menu-list" }, ...buttons);
  const root = element("details", { className: "menu" }, element("summary", { title }, label), list);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !root.open) return;
    root.open = false;
    root.querySelector("summary")?.focus();
  });
  root.addEventListener("focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && root.contains(relatedTarget))) root.open = false;
  });
  return root;
}
