// Several servers as one text, as settings and files have them: "https://a,https://b".

/** In the order in which they are tried. */
export type ServerList = readonly [string, ...string[]];

/** Undefined where the text names none. What is named twice counts once. */
export function splitServerList(text: string): ServerList | undefined {
  const [first, ...others] = new Set(text.split(",").map((part) => part.trim()));
  const named = [first ?? "", ...others].filter((part) => part !== "");
  return named.length === 0 ? undefined : [named[0] as string, ...named.slice(1)];
}

/** Throws what `change` throws. What is the same afterwards counts once. */
export function mapServerList(list: ServerList, change: (server: string) => string): ServerList {
  const [first, ...others] = new Set(list.map(change));
  return [first as string, ...others];
}
