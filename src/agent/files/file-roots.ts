// Which files may be reached from outside: those below the roots, wherever links lead.

import { realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { readlinkSync } from "node:fs";
import { FileError } from "./file-error.ts";

export class FileRoots {
  readonly #home: string;
  readonly #roots: readonly string[];

  /** `roots`: absolute paths; "/" lets everything be reached that the agent's user may reach. */
  constructor(home: string, roots: readonly string[]) {
    this.#home = home;
    this.#roots = roots;
  }

  /** The real path of something that is there. Throws FileError "outside", and what the system throws. */
  async existing(path: string): Promise<string> {
    const real = await realpath(this.#absolute(path));
    await this.#require(real, path);
    return real;
  }

  /** Where something of this name would be made: its directory is there, itself it may be. */
  async target(path: string): Promise<string> {
    const absolute = this.#absolute(path);
    const real = await realpath(absolute).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      return join(await realpath(dirname(absolute)), basename(absolute));
    });
    await this.#require(real, path);
    return real;
  }

  /** What was opened is where it was looked for: nobody has put a link in its place meanwhile. */
  requireOpened(fd: number, real: string): void {
    if (process.platform !== "linux") return;
    if (readlinkSync(`/proc/self/fd/${fd}`) !== real)
      throw new FileError("OUTSIDE", `${real} has been replaced meanwhile`);
  }

  #absolute(path: string): string {
    if (path === "" || path.includes("\0")) throw new FileError("INVALID", "no path");
    return isAbsolute(path) ? resolve(path) : resolve(this.#home, path);
  }

  async #require(real: string, asked: string): Promise<void> {
    for (const root of this.#roots) {
      const realRoot = await realpath(root).catch(() => undefined);
      if (realRoot === undefined) continue;
      if (realRoot === sep || real === realRoot || real.startsWith(realRoot + sep)) return;
    }
    throw new FileError("OUTSIDE", `${asked} is outside what this agent gives access to`);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
