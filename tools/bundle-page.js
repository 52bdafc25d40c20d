// Makes dist/web/ from src/web/: the page, and its script, style and icon under names with a hash of what is in them, so
// that browsers keep them for good. Each with a gzip'd copy beside it: nothing is compressed while somebody waits.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src/web");
/** In this order: xterm.js' own first, and of two rules of ours the later one holds. */
const STYLES = [
  join(root, "node_modules/@xterm/xterm/css/xterm.css"),
  ...["controls", "page", "terminals", "files", "recordings", "sharing", "phone"].map((name) =>
    join(source, `styles/${name}.css`),
  ),
];

/** The script, as one chunk. */
export async function bundlePageScript() {
  const built = await rolldown({
    cwd: root,
    input: { main: join(source, "main.ts") },
    platform: "browser",
  });
  try {
    // Minified, unlike the rest of dist/: it travels.
    const { output } = await built.generate({ format: "esm", minify: true, codeSplitting: false });
    return output[0];
  } finally {
    await built.close();
  }
}

/** Writes `directory` anew. */
export async function bundlePage(directory) {
  const { code } = await bundlePageScript();
  const assets = {
    "main.js": code,
    "style.css": STYLES.map((path) => readFileSync(path, "utf8")).join("\n"),
    "icon.svg": readFileSync(join(source, "icon.svg"), "utf8"),
  };
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(join(directory, "assets"), { recursive: true });
  let page = readFileSync(join(source, "index.html"), "utf8");
  for (const [name, text] of Object.entries(assets)) {
    const hash = createHash("sha256").update(text).digest("base64url").slice(0, 12);
    const hashed = name.replace(".", `-${hash}.`);
    if (!page.includes(`/assets/${name}`)) throw new Error(`src/web/index.html does not load ${name}`);
    page = page.replace(`/assets/${name}`, `/assets/${hashed}`);
    write(join(directory, "assets", hashed), text);
  }
  write(join(directory, "index.html"), page);
}

function write(path, text) {
  writeFileSync(path, text);
  writeFileSync(`${path}.gz`, gzipSync(text, { level: constants.Z_BEST_COMPRESSION }));
}
