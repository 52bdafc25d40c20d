// credentials.json, mode 0600: the token of each context.

import { parseJsonObject, readPrivateFile, writePrivateFile } from "./private-file.ts";

export function readCredentials(path: string): Map<string, string> {
  const text = readPrivateFile(path);
  const tokens = new Map<string, string>();
  if (text === undefined) return tokens;
  const { tokens: stored } = parseJsonObject(path, text);
  if (typeof stored !== "object" || stored === null) return tokens;
  for (const [context, token] of Object.entries(stored)) if (typeof token === "string") tokens.set(context, token);
  return tokens;
}

/** `token` undefined: forgets the one that is stored. Returns whether there was one. */
export function storeCredential(path: string, context: string, token: string | undefined): boolean {
  const tokens = readCredentials(path);
  const had = tokens.delete(context);
  if (token !== undefined) tokens.set(context, token);
  if (had || token !== undefined) {
    writePrivateFile(path, `${JSON.stringify({ tokens: Object.fromEntries(tokens) }, undefined, 2)}\n`);
  }
  return had;
}
