// What a command loads: everything else keeps its start waiting.
import { relative, resolve } from "node:path";
import type { OutputChunk } from "rolldown";
import { beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./bundle.js";

const root = resolve(import.meta.dirname, "..");

let chunks: readonly OutputChunk[];

beforeAll(async () => {
  chunks = await bundle();
});

/** The modules that are read before the first line of `entry` runs, packages by their names. */
function loadedWith(entry: string): Set<string> {
  const first = chunks.find(({ facadeModuleId }) => facadeModuleId === resolve(root, entry));
  if (first === undefined) throw new Error(`${entry} is no chunk of its own`);
  const reached = new Set([first]);
  const externals: string[] = [];
  for (const chunk of reached) {
    for (const name of chunk.imports) {
      const next = chunks.find(({ fileName }) => fileName === name);
      if (next === undefined) externals.push(name);
      else reached.add(next);
    }
  }
  const modules = [...reached].flatMap(({ moduleIds }) => moduleIds);
  return new Set([...modules.map((id) => packageOf(id) ?? relative(root, id)), ...externals]);
}

function packageOf(id: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1];
}

/** What takes long to load. */
const HEAVY = [
  "@grpc/grpc-js",
  "@bufbuild/protobuf",
  "ws",
  "pino",
  "kysely",
  "pg",
  "ioredis",
  "zod",
  "@xterm/headless",
  "ink",
  "react",
];

function heavy(...entries: string[]): string[] {
  const loaded = entries.map(loadedWith);
  return [...HEAVY, "@electric-sql/pglite"].filter((name) => loaded.some((modules) => modules.has(name)));
}

describe("the build", () => {
  it("loads nothing heavy for help, completion and what is refused", () => {
    expect(loadedWith("src/cli/main.ts")).toContain("commander");
    expect(heavy("src/cli/main.ts")).toEqual([]);
    expect(heavy("src/cli/main.ts", "src/cli/completion/complete-names.ts")).toEqual([]);
  });

  it("loads for `rexec attach` by id what a terminal needs, and no gRPC", () => {
    expect(heavy("src/cli/main.ts", "src/cli/attach.ts")).toEqual(["@bufbuild/protobuf", "ws"]);
    expect(loadedWith("src/cli/api.ts")).toContain("@grpc/grpc-js");
  });

  it("loads Ink only for a terminal that it is drawn on", () => {
    expect(heavy("src/cli/admin.ts")).not.toContain("ink");
    expect(loadedWith("src/admin-tui/show-tui.tsx")).toContain("ink");
  });

  it("loads Redis' client and the embedded database only where they are used", () => {
    const server = loadedWith("src/cli/server.ts");
    expect(server).toContain("kysely");
    for (const name of ["ioredis", "@electric-sql/pglite"]) expect(server).not.toContain(name);
    expect(loadedWith("src/server/cluster.ts")).toContain("ioredis");
    expect(loadedWith("src/server/adapters/sql/pglite.ts")).toContain("@electric-sql/pglite");
  });

  it("takes in nothing that reads files beside itself, but for what never does so here", () => {
    const found = chunks.flatMap(({ modules }) =>
      Object.entries(modules)
        .filter(([, { code }]) => /\b__(dirname|filename)\b|import\.meta\./.test(withoutComments(code ?? "")))
        .map(([id]) => id.replace(/.*node_modules\//, "").replace(`${root}/`, "")),
    );
    expect(found.sort()).toEqual([
      "\0rolldown/runtime.js",
      // Services that nobody adds to our gRPC server.
      "@grpc/grpc-js/build/src/channelz.js",
      "@grpc/grpc-js/build/src/orca.js",
      // For React's devtools only.
      "ink/build/reconciler.js",
      // With showFriendlyErrorStack only.
      "ioredis/built/Command.js",
      // With a transport only: logs are written by the process itself.
      "pino/lib/transport.js",
      // These look for package.json and for the page, and find them from dist/ as well.
      "src/cli/version.ts",
      "src/server/page-files.ts",
      "src/server/version.ts",
      "thread-stream/index.js",
      // Its WebAssembly is within it.
      "yoga-layout/dist/binaries/yoga-wasm-base64-esm.js",
    ]);
  });
});

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "");
}
