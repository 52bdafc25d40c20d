// The secret of a share in the page's address: behind the "#", which goes to no server, and there for a moment only.

const BEGINNING = "#share=";

/**
 * The secret that this address holds, which it does not any more: neither the address bar nor the history shows it.
 * Undefined where it is the address of no share.
 */
export function takeShareSecret(
  location: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState">,
): string | undefined {
  const { hash, pathname, search } = location;
  if (!hash.startsWith(BEGINNING)) return undefined;
  history.replaceState(null, "", pathname + search);
  return hash.slice(BEGINNING.length);
}

/** For where the server does not know by which address people reach it: this page knows one. */
export function shareLink(origin: string, secret: string): string {
  return `${origin}/${BEGINNING}${secret}`;
}
