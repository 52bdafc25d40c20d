// Runs in the PTY: emits the checker's stream at a rate, and writes what is typed into a file.
// usage: stream-program.js INPUT_FILE BYTES_PER_SECOND [SEED]   (started through `stty raw -echo`)
import { openSync, writeSync } from "node:fs";
import { streamBytes } from "./stream-bytes.js";

const [inputFile, rate, seed = "0"] = process.argv.slice(2);
const input = openSync(inputFile, "w");
process.stdin.on("data", (bytes) => {
  for (let at = 0; at < bytes.length; ) at += writeSync(input, bytes, at);
});

const TICK_MS = 5;
const perTick = Math.ceil((Number(rate) * TICK_MS) / 1000);
let offset = 0;
const emit = () => {
  const bytes = streamBytes(offset, perTick, Number(seed));
  offset += bytes.length;
  // Paced by whoever reads: the next piece waits until this one is taken.
  if (process.stdout.write(bytes)) setTimeout(emit, TICK_MS);
  else process.stdout.once("drain", () => setTimeout(emit, TICK_MS));
};
emit();
