// Subprotocols of the WebSocket handshake: which one is spoken, and where a token may travel.

export type Protocol = "rexec.v1" | "rexec.v2";
const TOKEN_PREFIX = "rexec.token.";

/** The protocol to speak, of those that a client offers: v2 where it is among them, else v1. */
export function chooseProtocol(offered: Iterable<string>): Protocol {
  for (const name of offered) if (name === "rexec.v2") return "rexec.v2";
  return "rexec.v1";
}

/** The token among the offered subprotocols; browsers can set no header. */
export function tokenFromSubprotocols(offered: Iterable<string>): string | undefined {
  for (const name of offered) if (name.startsWith(TOKEN_PREFIX)) return name.slice(TOKEN_PREFIX.length);
  return undefined;
}

export function tokenSubprotocol(token: string): string {
  return TOKEN_PREFIX + token;
}
