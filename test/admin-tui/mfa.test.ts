// The lock that takes a code, from the keys: locked, asked for a code before a shell opens, unlocked.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MfaServiceService } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import {
  type AdminTui,
  DETACH,
  ENTER,
  ERASE_LINE,
  openAdminTui,
  printedLine,
  SIZES,
  TAB,
} from "../support/admin-tui.ts";
import { authenticatorOf, wrongCode } from "../support/mfa.ts";

let cluster: AdminCluster;

beforeAll(async () => {
  cluster = await startAdminCluster();
});

afterAll(() => cluster?.close());

async function openFor(size: { cols: number; rows: number }): Promise<AdminTui> {
  const { server, directory } = cluster;
  return openAdminTui({ server, token: server.adminToken, directory, size });
}

async function lock(tui: AdminTui, name: string): Promise<void> {
  tui.type("L");
  await tui.shows(new RegExp(`─ Lock ${name}\\? ─`));
  await tui.shows(/>\[ Cancel \]/);
  tui.type(`${TAB}${ENTER}`);
}

it("says why an agent can't be locked whose owner has no second factor", async () => {
  const tui = await openFor(SIZES[0].size);
  await tui.filter("box-3");
  await lock(tui, "box-3");
  await tui.shows(/! locking box-3: .*\bMFA\b/i);
  expect((await cluster.agent("box-3")).mfaLocked).toBe(false);
  tui.kill();
});

describe("with a second factor", () => {
  /** A code opens one thing once: each of a later step than the one before, or one of the codes on paper. */
  const codes: (() => string)[] = [];
  let wrong: () => string;

  beforeAll(async () => {
    const { otpauthUrl, recoveryCodes } = await cluster.api.call(MfaServiceService.enroll, {});
    const app = authenticatorOf(otpauthUrl);
    await cluster.api.call(MfaServiceService.confirmEnrollment, { code: app.code(Date.now(), -1) });
    codes.push(
      () => app.code(Date.now()),
      () => app.code(Date.now(), 1),
      ...recoveryCodes.map((code) => () => code),
    );
    wrong = () => wrongCode(app, Date.now());
  });

  const nextCode = () => codes.shift()?.() ?? "";
  const CASES = SIZES.map((size, i) => ({ ...size, box: `box-${i + 1}` }));

  describe.each(CASES)("at $name", ({ size, box }) => {
    let tui: AdminTui;

    async function open(): Promise<void> {
      tui?.kill();
      tui = await openFor(size);
      await tui.filter(box);
    }

    beforeAll(open);
    afterAll(() => tui?.kill());
    // What a failed test leaves on the screen is not the next one's.
    afterEach(({ task }) => (task.result?.state === "fail" ? open() : undefined));

    it("locks an agent, and says so in its row and its details", async () => {
      await lock(tui, box);
      await tui.shows(new RegExp(`ok: locked ${box}`));
      await tui.shows(new RegExp(`^> \\+L +${box} `, "m"));
      expect((await cluster.agent(box)).mfaLocked).toBe(true);
      tui.type(ENTER);
      await tui.shows(/ access +MFA LOCKED since 20\d\d-\d\d-\d\d \d\d:\d\d/);
      await tui.leave(/ access +MFA LOCKED since/);
    });

    it("asks for a code before it opens a shell there", async () => {
      tui.type("s");
      await tui.shows(new RegExp(`─ ${box} is locked ─`));
      tui.type(`no${ENTER}`);
      await tui.shows(/! a code has six digits/);
      tui.type(`${ERASE_LINE}${wrong()}${ENTER}`);
      await tui.shows(/! no terminal: .*mfa/i);
      expect(await cluster.sessionsOf(box)).toEqual([]);
      tui.type("s");
      await tui.shows(new RegExp(`─ ${box} is locked ─`));
      tui.type(`${nextCode()}${ENTER}`);
      await tui.hides(/\[1 Agents/);
      tui.type("echo $((6*7)) behind a lock\r");
      await tui.shows(printedLine("42 behind a lock"));
      tui.type(DETACH);
      await tui.shows(new RegExp(`left ${box}; its shell goes on`));
    });

    it("unlocks it with another code", async () => {
      tui.type("L");
      await tui.shows(new RegExp(`─ Unlock ${box} ─`));
      tui.type(`${wrong()}${ENTER}`);
      await tui.shows(new RegExp(`! unlocking ${box}: .*mfa`, "i"));
      expect((await cluster.agent(box)).mfaLocked).toBe(true);
      tui.type("L");
      await tui.shows(new RegExp(`─ Unlock ${box} ─`));
      tui.type(`${nextCode()}${ENTER}`);
      await tui.shows(new RegExp(`ok: unlocked ${box}`));
      await tui.shows(new RegExp(`^> \\+ +${box} `, "m"));
      expect((await cluster.agent(box)).mfaLocked).toBe(false);
    });
  });
});
