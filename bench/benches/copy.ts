// A large file to an agent and back by `rexec cp`, whose connection is cut in the middle of each way; and what the echo of a
// terminal on the same agent takes meanwhile.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pipeline } from "node:stream/promises";
import { startTcpProxy, type TcpProxy } from "../../test/support/tcp-proxy.ts";
import { makeBulkFile } from "../bulk-file.ts";
import { startChild } from "../child.ts";
import { runClient } from "../run-client.ts";
import { median } from "../statistics.ts";
import type { TerminalSubject } from "../subjects/subject.ts";
import type { TerminalTarget } from "../target.ts";
import type { Bench } from "./bench.ts";

const SECONDS = 3;
const CUT_MS = 1_000;
const LOOK_MS = 50;

export const copy: Bench<TerminalSubject> = {
  name: "copy",
  title: "a file to an agent and back, each way cut in the middle, beside a terminal",
  subjects: ["rexec", "before"],
  metrics: [
    { key: "upMbPerS", title: "up MB/s", digits: 1 },
    { key: "downMbPerS", title: "down MB/s", digits: 1 },
    { key: "isRight", title: "SHA-256 right", digits: 0 },
    { key: "idleP99Us", title: "echo p99 µs", digits: 0 },
    { key: "besideP99Us", title: "beside the copy", digits: 0 },
    { key: "besideRatio", title: "of idle", digits: 2 },
  ],
  async measure({ target }, { seconds = SECONDS, copy: { directory, bytes } }) {
    if (target.kind !== "rexec") throw new Error(`no files over ${target.kind}`);
    const { hostname, port } = new URL(target.wsUrl);
    const network = await startTcpProxy({ host: hostname, port: Number(port) });
    const echoP99 = async (): Promise<number> =>
      (await runClient({ kind: "echo", target, seconds }, () => {}))["p99Us"] ?? Number.NaN;
    const [source, there, back] = ["source", "there", "back"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    try {
      const { sha256 } = await makeBulkFile(source, bytes);
      const before = await echoP99();
      const way = (from: string, to: string, written: string) =>
        copyWithCut({ target, network, from, to, written, bytes, meanwhile: echoP99 });
      const up = await way(source, `${target.agentId}:${there}`, there);
      const down = await way(`${target.agentId}:${there}`, back, back);
      const after = await echoP99();
      const idleP99Us = median([before, after]);
      const besideP99Us = median([...up.echoes, ...down.echoes]);
      return {
        upMbPerS: up.mbPerS,
        downMbPerS: down.mbPerS,
        isRight: (await sha256Of(there)) === sha256 && (await sha256Of(back)) === sha256 ? 1 : 0,
        idleP99Us,
        besideP99Us,
        besideRatio: besideP99Us / idleP99Us,
      };
    } finally {
      await network.close();
      for (const file of [source, there, back]) await rm(file, { force: true });
    }
  },
};

interface Way {
  target: Extract<TerminalTarget, { kind: "rexec" }>;
  network: TcpProxy;
  from: string;
  to: string;
  /** Where the file comes to be; what there is of it lies beside it. */
  written: string;
  bytes: number;
  /** Measured again and again while it is under way. */
  meanwhile(): Promise<number>;
}

async function copyWithCut(way: Way): Promise<{ mbPerS: number; echoes: number[] }> {
  const { target, network, from, to, bytes, meanwhile } = way;
  const { checkout, wsUrl, token } = target;
  const server = network.through(wsUrl.replace(/^ws/, "http"));
  const began = performance.now();
  const child = startChild(process.execPath, [join(checkout, "bin/rexec.js"), "--server", server, "cp", from, to], {
    REXEC_TOKEN: token,
    HOME: "/nonexistent",
  });
  let isOver = false;
  const ended = child.ended().finally(() => {
    isOver = true;
  });
  const cutting = cutHalfWay(way, () => isOver);
  const echoes: number[] = [];
  while (!isOver) echoes.push(await meanwhile());
  await ended;
  const seconds = (performance.now() - began) / 1000;
  if (!(await cutting)) throw new Error(`${from} was there before its connection was cut`);
  return { mbPerS: bytes / 1e6 / seconds, echoes };
}

/** False where the copy was over before half of it was there. */
async function cutHalfWay({ network, written, bytes }: Way, isOver: () => boolean): Promise<boolean> {
  while ((await bytesOfPart(written)) < bytes / 2) {
    if (isOver()) return false;
    await sleep(LOOK_MS);
  }
  await network.cut();
  await sleep(CUT_MS);
  await network.mend();
  return true;
}

/** What has come lies beside the file's place until it is whole. */
async function bytesOfPart(file: string): Promise<number> {
  const names = await readdir(dirname(file));
  const part = names.find((name) => name.startsWith(`.${basename(file)}.`) && name.endsWith(".rexec-part"));
  if (part === undefined) return 0;
  // It may have taken its place meanwhile.
  return stat(join(dirname(file), part)).then(
    ({ size }) => size,
    () => 0,
  );
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
