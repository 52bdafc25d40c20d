// Starts a client process for one job and hears its result.

import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClientMessage, Job } from "./client/job.ts";

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));

/** `onMark` is called while the client waits at a mark; it goes on when that resolves. */
export function runClient(
  job: Job,
  onMark: (at: "begin" | "end") => Promise<void> | void,
): Promise<Record<string, number>> {
  const checkout = "checkout" in job.target ? job.target.checkout : CHECKOUT;
  const child = fork(join(checkout, "bench/client/main.ts"), [JSON.stringify(job)]);
  return new Promise((resolve, reject) => {
    child.on("message", (message: ClientMessage) => {
      switch (message.kind) {
        case "mark":
          Promise.resolve(onMark(message.at))
            .then(() => child.send("go on"))
            .catch(reject);
          return;
        case "result":
          return resolve(message.result);
        case "failed":
          return reject(new Error(`${job.kind} over ${job.target.kind}: ${message.message}`));
      }
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`the client for ${job.kind} over ${job.target.kind} ended with ${code}`)),
    );
  });
}
