// For --import: this process alone has another time of day, off by as many milliseconds as stand in the file that the query
// of this module's URL names, and again after each change of it. Timers and performance.now() are left alone, as they are
// where somebody sets a machine's clock.

import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 50;
const file = new URL(import.meta.url).searchParams.get("file") ?? "";
const RealDate = Date;
let offsetMs = readOffset();
setInterval(() => (offsetMs = readOffset()), LOOK_EVERY_MS).unref();

const now = (): number => RealDate.now() + offsetMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
});

function readOffset(): number {
  return Number(readFileSync(file, "utf8"));
}
