// A Python with gRPC for the tests: the machine's own, or Debian's packages unpacked into node_modules/.cache.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

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
  const libraries = join(CACHE, "usr/lib");
  const multiarch = readdirSync(libraries).find((name) => name.endsWith("-linux-gnu")) ?? "";
  const env = {
    PYTHONPATH: join(libraries, "python3/dist-packages"),
    LD_LIBRARY_PATH: join(libraries, multiarch),
  };
  if (hasGrpc({ python, env })) return { python, env };
  throw new Error(`The unpacked ${WANTED} does not run; remove ${CACHE}, or \`apt-get install ${WANTED}\`.`);
}

function hasGrpc({ python, env }: PythonGrpc): boolean {
  const seen = spawnSync(python, ["-c", "import grpc, google.protobuf"], { env: { ...process.env, ...env } });
  return seen.status === 0;
}

/** Into a folder that gets its name when it is complete: two test runs may do this at once. */
function unpack(): void {
  mkdirSync(resolve(CACHE, ".."), { recursive: true });
  const scratch = mkdtempSync(`${CACHE}.`);
  try {
    try {
      download(scratch, []);
    } catch {
      // The machine's lists of packages are missing or old: lists of our own, which change nothing of its.
      const own = ["-o", `Dir::State::Lists=${join(scratch, "lists")}`, "-o", `Dir::Cache=${join(scratch, "cache")}`];
      for (const folder of ["lists/partial", "cache/archives/partial"]) {
        mkdirSync(join(scratch, folder), { recursive: true });
      }
      execFileSync("apt-get", [...own, "update", "-qq"], { stdio: "pipe" });
      download(scratch, own);
    }
    const archives = readdirSync(scratch).filter((name) => name.endsWith(".deb"));
    for (const archive of archives) execFileSync("dpkg", ["-x", archive, "root"], { cwd: scratch, stdio: "pipe" });
    try {
      renameSync(join(scratch, "root"), CACHE);
    } catch (error) {
      // Another run was faster.
      if (!existsSync(CACHE)) throw error;
    }
  } catch (cause) {
    throw new Error(
      `No Python with gRPC for the tests. Any one of these helps: \`apt-get install ${WANTED}\`, ` +
        "`pip install grpcio protobuf`, or a Debian that can fetch packages.",
      { cause },
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** It and what it needs that is not installed here. */
function download(folder: string, options: readonly string[]): void {
  const simulation = [...options, "install", "--simulate", "--no-install-recommends", WANTED];
  const plan = execFileSync("apt-get", simulation, { encoding: "utf8", stdio: "pipe" });
  const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? "");
  execFileSync("apt-get", [...options, "download", "-qq", ...packages], { cwd: folder, stdio: "pipe" });
}
