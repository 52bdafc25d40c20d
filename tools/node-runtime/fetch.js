// postinstall: fetches the private Node where npm could not. A `file:` dependency of a package that comes as a tarball is
// linked before it is unpacked, so npm never sees its dependencies (docs/decisions/0002-private-node.md).
// In a clone, and on a new enough Node, there is nothing to do. A failure is no failed install: bin/rexec.js says what to do.
import { spawnSync } from "node:child_process";
import { isNewEnough, privateNode, runtimeDir } from "./locate.js";

if (!isNewEnough(process.versions.node) && privateNode() === undefined) {
  // What the outer npm was told (--global, its prefix, its omits) is not meant for this folder.
  const env = { ...process.env };
  for (const name of [
    "global",
    "location",
    "prefix",
    "local_prefix",
    "global_prefix",
    "omit",
    "dry_run",
    "workspace",
  ]) {
    delete env[`npm_config_${name}`];
  }
  const options = [
    "--prefix",
    runtimeDir,
    "--ignore-scripts",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  spawnSync(command, [...first, "install", ...options], { cwd: runtimeDir, env, stdio: "inherit" });
}
