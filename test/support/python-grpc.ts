// A Python with gRPC for the tests: the machine's own, or Debian's packages unpacked into node_modules/.cache.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { librariesOf, unpackDebianPackages } from "./debian-packages.ts";

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/python-grpc");
/** Debian's own first: its packages fit no other. */
const PYTHONS = ["/usr/bin/python3", "python3"];
const WANTED = "python3-grpcio";

export interface PythonGrpc {
  python: string;
  env: Record<string, string>;
}

/** Throws an error that says what to install. */
export function findPythonGrpc(): PythonGrpc {
  for (const python of PYTHONS) if (hasGrpc({ python, env: {} })) return { python, env: {} };
  const [python = ""] = PYTHONS;
  if (!existsSync(CACHE)) unpack();
  const env = {
    PYTHONPATH: join(CACHE, "usr/lib/python3/dist-packages"),
    LD_LIBRARY_PATH: librariesOf(CACHE),
  };
  if (hasGrpc({ python, env })) return { python, env };
  throw new Error(`The unpacked ${WANTED} does not run; remove ${CACHE}, or \`apt-get install ${WANTED}\`.`);
}

function hasGrpc({ python, env }: PythonGrpc): boolean {
  const seen = spawnSync(python, ["-c", "import grpc, google.protobuf"], { env: { ...process.env, ...env } });
  return seen.status === 0;
}

function unpack(): void {
  try {
    unpackDebianPackages({ folder: CACHE, wanted: WANTED });
  } catch (cause) {
    throw new Error(
      `No Python with gRPC for the tests. Any one of these helps: \`apt-get install ${WANTED}\`, ` +
        "`pip install grpcio protobuf`, or a Debian that can fetch packages.",
      { cause },
    );
  }
}
