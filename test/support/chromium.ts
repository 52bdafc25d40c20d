// Finds the Chromium that the tests may start: on PATH, or Debian's package unpacked into node_modules/.cache.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { librariesOf, unpackDebianPackages } from "./debian-packages.ts";

interface ChromiumBinary {
  executablePath: string;
  env: NodeJS.ProcessEnv;
}

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/chromium");
const WANTED = "chromium-headless-shell";
const INSTALLED = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/** A fresh profile, no other host asked for anything. */
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Throws an error that says what to install. */
export function launchChromium(): Promise<Browser> {
  const { executablePath, env } = findChromium();
  // A sandbox needs rights that containers lack; nothing but our own pages is opened.
  return chromium.launch({ executablePath, env: definedOnly(env), args: FLAGS, chromiumSandbox: false });
}

function findChromium(): ChromiumBinary {
  for (const executablePath of INSTALLED) {
    const own = { executablePath, env: process.env };
    if (runs(own)) return own;
  }
  if (!existsSync(CACHE)) unpack();
  const libraries = librariesOf(CACHE);
  const fonts = join(CACHE, "etc/fonts/fonts.conf");
  const unpacked = {
    executablePath: join(CACHE, "usr/lib/chromium", WANTED),
    env: {
      ...process.env,
      LD_LIBRARY_PATH: `${libraries}:${join(libraries, "pulseaudio")}`,
      // Where the machine has no fonts, they came along.
      ...(existsSync(fonts) ? { FONTCONFIG_SYSROOT: CACHE } : {}),
    },
  };
  if (runs(unpacked)) return unpacked;
  throw new Error(`The unpacked ${WANTED} does not run; remove ${CACHE}, or \`apt-get install ${WANTED}\`.`);
}

function runs({ executablePath, env }: ChromiumBinary): boolean {
  return spawnSync(executablePath, ["--version"], { env }).status === 0;
}

function unpack(): void {
  try {
    unpackDebianPackages({ folder: CACHE, wanted: WANTED });
  } catch (cause) {
    throw new Error(
      `No Chromium for the tests. Either of these helps: \`apt-get install ${WANTED}\`, or a Debian that can fetch packages.`,
      { cause },
    );
  }
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
