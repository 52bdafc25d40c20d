// DOM elements with their properties and children in one expression. Texts become text nodes, never markup.

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** Drawings of 16 by 16, in the colour of the text around them. */
const ICONS = {
  beside: "M2 3h12v10H2zM8 3v10",
  below: "M2 3h12v10H2zM2 8h12",
  close: "M4 4l8 8M12 4l-8 8",
  shell: "M3 4l4 4-4 4M9 12h4",
  watch: "M1.5 8s2.5-4 6.5-4 6.5 4 6.5 4-2.5 4-6.5 4S1.5 8 1.5 8zM8 6.5a1.5 1.5 0 100 3 1.5 1.5 0 000-3z",
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
} as const;

export type IconName = keyof typeof ICONS;

function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows a drawing, and says its name to those who don't see it. */
export function iconButton(name: IconName, label: string, onclick: () => void): HTMLButtonElement {
  return element(
    "button",
    { type: "button", className: "icon-button", title: label, ariaLabel: label, onclick },
    icon(name),
  );
}
