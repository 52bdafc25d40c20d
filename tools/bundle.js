// Makes dist/ from src/: the command line as dist/main.js, and what its commands load when they run as dist/chunks/. Few
// files where there were hundreds, packages included, so that a start reads few (docs/decisions/0012-bundle.md). And the
// web terminal as dist/web/.
// Checks no types; `npm run build` does that first.
import { rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { bundlePage } from "./bundle-page.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Left in node_modules/: they read files that lie beside them. pg-native and React's
 * devtools are not installed; who asks for them goes on without. */
const EXTERNAL = [/^@lydell\/node-pty/, /^@electric-sql\//, /^@grpc\/reflection/, "pg-native", "react-devtools-core"];

/** @type {import("rolldown").OutputOptions} */
const OUTPUT = {
  format: "esm",
  // Stack traces and profiles read better without hashes; every chunk is loaded soon after the start or never.
  chunkFileNames: "chunks/[name].js",
  // For `node --enable-source-maps`. Not minified: that gains nothing (0012), and takes the names out of stack traces.
  sourcemap: true,
  sourcemapExcludeSources: true,
};

/** The chunks, written to `directory` where one is named. */
export async function bundle(directory) {
  const built = await rolldown({
    cwd: root,
    input: { main: join(root, "src/cli/main.ts") },
    platform: "node",
    external: EXTERNAL,
    // React checks itself at every step, and remembers how long each took, unless it is told that it is in use.
    transform: { define: { "process.env.NODE_ENV": '"production"' } },
  });
  try {
    const { output } = await (directory === undefined
      ? built.generate(OUTPUT)
      : built.write({ ...OUTPUT, dir: directory }));
    return output.filter(({ type }) => type === "chunk");
  } finally {
    await built.close();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const dist = join(root, "dist");
  for (const old of ["chunks", "src", "migrations"]) rmSync(join(dist, old), { recursive: true, force: true });
  const [chunks] = await Promise.all([bundle(dist), bundlePage(join(dist, "web"))]);
  console.log(`dist: ${chunks.length} files`);
}
