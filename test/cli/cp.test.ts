// `rexec cp` as people use it: against a real server and a real agent.

import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CliHome } from "../support/cli.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const MIB = 2 ** 20;

let home: CliHome;
let agent: string;
let network: TcpProxy;
let origin: string;
/** Of this test: "here" is the caller's, "there" the agent's. */
let here: string;
let there: string;

beforeAll(async () => {
  home = await CliHome.make();
  const up = await home.up();
  agent = up.agentId;
  const { hostname, port } = new URL(up.origin);
  network = await startTcpProxy({ host: hostname, port: Number(port) });
  origin = network.through(up.origin);
  const token = (await readFile(join(home.stateDir, "admin-token"), "utf8")).trim();
  const login = ["login", "--server", origin, "--grpc", up.grpcAddress];
  expect(await home.run(login, { input: token })).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await network?.close();
  await home?.close();
});
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), "rexec-cp-"));
  here = join(directory, "here");
  there = join(directory, "there");
  await mkdir(here);
  await mkdir(there);
});
afterEach(() => rm(join(here, ".."), { recursive: true, force: true }));

const cp = (...args: string[]) => home.run(["cp", ...args]);
const remote = (path: string) => `${agent}:${path}`;
const sha = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

describe("a file", () => {
  it("comes to the agent and back the same, with its mode, and leaves nothing else behind", async () => {
    await writeFile(join(here, "a file"), randomBytes(3 * MIB));
    await chmod(join(here, "a file"), 0o640);
    expect(await cp(join(here, "a file"), remote(there))).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await readdir(there)).toEqual(["a file"]);
    expect((await stat(join(there, "a file"))).mode & 0o777).toBe(0o640);
    expect((await cp(remote(join(there, "a file")), join(here, "back"))).code).toBe(0);
    expect(await sha(join(here, "back"))).toBe(await sha(join(here, "a file")));
    expect((await readdir(here)).toSorted()).toEqual(["a file", "back"]);
  });

  it("takes the place of what was there, whole", async () => {
    await writeFile(join(there, "x"), "old and longer");
    await writeFile(join(here, "x"), "new");
    expect((await cp(join(here, "x"), remote(join(there, "x")))).code).toBe(0);
    expect(await readFile(join(there, "x"), "utf8")).toBe("new");
  });

  it("may be empty", async () => {
    await writeFile(join(here, "empty"), "");
    expect((await cp(join(here, "empty"), remote(there))).code).toBe(0);
    expect((await cp(remote(join(there, "empty")), join(here, "again"))).code).toBe(0);
    expect((await stat(join(here, "again"))).size).toBe(0);
  });

  it("comes through pipes, both ways", async () => {
    const bytes = randomBytes(MIB);
    const up = home.start(["cp", "-", remote(join(there, "piped"))]);
    up.child.stdin.end(bytes);
    expect(await up.exited).toBe(0);
    expect((await readFile(join(there, "piped"))).equals(bytes)).toBe(true);
    const { code, stdout } = await cp(remote(join(there, "piped")), "-");
    expect([code, Buffer.from(stdout, "latin1").equals(bytes)]).toEqual([0, true]);
  });
});

describe("a copy that is cut off", () => {
  it("goes on by itself when the connection comes back", async () => {
    await writeFile(join(here, "large"), randomBytes(48 * MIB));
    for (const [from, to] of [
      [join(here, "large"), remote(join(there, "large"))],
      [remote(join(there, "large")), join(here, "back")],
    ] as const) {
      const process = home.start(["cp", from, to]);
      await vi.waitFor(async () => expect(await partBytes()).toBeGreaterThan(8 * MIB), {
        timeout: 30_000,
        interval: 5,
      });
      await network.cut();
      await network.mend();
      await process.seen(/connection lost/);
      expect(await process.exited).toBe(0);
    }
    expect(await sha(join(there, "large"))).toBe(await sha(join(here, "large")));
    expect(await sha(join(here, "back"))).toBe(await sha(join(here, "large")));
  }, 120_000);

  it("goes on where it was when it is run again, both ways", async () => {
    await writeFile(join(here, "large"), randomBytes(48 * MIB));
    for (const [from, to] of [
      [join(here, "large"), remote(join(there, "large"))],
      [remote(join(there, "large")), join(here, "back")],
    ] as const) {
      const first = home.start(["cp", from, to]);
      await vi.waitFor(async () => expect(await partBytes()).toBeGreaterThan(8 * MIB), {
        timeout: 30_000,
        interval: 5,
      });
      first.kill("SIGKILL");
      await first.exited;
      const second = await cp(from, to);
      expect(second).toMatchObject({ code: 0, stderr: expect.stringMatching(/going on with .*large at \d/) as string });
      expect(await partBytes()).toBe(0);
    }
    expect(await sha(join(there, "large"))).toBe(await sha(join(here, "large")));
    expect(await sha(join(here, "back"))).toBe(await sha(join(here, "large")));
  }, 120_000);

  it("begins anew where what is there is something else", async () => {
    await writeFile(join(here, "large"), randomBytes(24 * MIB));
    const first = home.start(["cp", join(here, "large"), remote(there)]);
    await vi.waitFor(async () => expect(await partBytes()).toBeGreaterThan(MIB), { timeout: 30_000, interval: 5 });
    first.kill("SIGKILL");
    await first.exited;
    const [part] = (await readdir(there)).filter((name) => name.endsWith(".rexec-part"));
    await writeFile(join(there, part ?? ""), "something else");
    const second = await cp(join(here, "large"), remote(there));
    expect([second.code, second.stderr]).toEqual([0, ""]);
    expect(await sha(join(there, "large"))).toBe(await sha(join(here, "large")));
  }, 60_000);

  /** Of the file that is under way, on either side. */
  async function partBytes(): Promise<number> {
    for (const directory of [here, there]) {
      const part = (await readdir(directory)).find((name) => name.endsWith(".rexec-part"));
      if (part !== undefined) return (await stat(join(directory, part))).size;
    }
    return 0;
  }
});

describe("a directory", () => {
  it("comes with all that is in it, and what can't be copied is listed", async () => {
    await mkdir(join(here, "site", "deep", "er"), { recursive: true });
    await writeFile(join(here, "site", "index"), "index");
    await writeFile(join(here, "site", "deep", "er", "file"), "deep");
    await symlink("/etc/passwd", join(here, "site", "link"));
    const first = await cp("-r", join(here, "site"), remote(there));
    expect(first).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/^rexec: not copied: .*site\/link: symbolic link/) as string,
    });
    expect(await readFile(join(there, "site", "deep", "er", "file"), "utf8")).toBe("deep");
    await rm(join(here, "site", "link"));
    expect((await cp("-r", join(here, "site"), remote(there))).code).toBe(0);
    await mkdir(join(here, "back"));
    expect((await cp("-r", remote(join(there, "site")), join(here, "back"))).code).toBe(0);
    expect(await readFile(join(here, "back", "site", "deep", "er", "file"), "utf8")).toBe("deep");
  });

  it("needs -r", async () => {
    expect(await cp(here, remote(there))).toMatchObject({ code: 2, stderr: expect.stringContaining("-r") as string });
    expect((await cp(remote(there), here)).code).toBe(2);
  });
});

describe("what can't be copied", () => {
  it("says why, and by its exit code", async () => {
    expect(await cp(remote(join(there, "none")), here)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^rexec: the agent: ENOENT/) as string,
    });
    expect((await cp(join(here, "none"), remote(there))).code).toBe(3);
    expect((await cp(remote("/dev/zero"), here)).code).toBe(1);
    expect((await cp(join(here, "a"), join(here, "b"))).code).toBe(2);
    expect((await cp(remote("a"), remote("b"))).code).toBe(2);
  });
});
