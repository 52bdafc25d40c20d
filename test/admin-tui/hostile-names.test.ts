// Strangers' names and figures before an operator's terminal: whatever they hold, nothing of it steers the terminal.
// Once as far as the server lets them in, and once as if it let everything in.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Agent, AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { User, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import { adminApi } from "../support/admin-cluster.ts";
import { type AdminTui, ENTER, ERASE_LINE, openAdminTui, SIZES } from "../support/admin-tui.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { type RawAgent, startRawAgent } from "../support/raw-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

/** A title, the clipboard, a link, a cleared screen, a colour, a newline, another direction, C1's own CSI and OSC. */
const HOSTILE = [
  "\x1b]0;PWNED\x07",
  "\x1b]52;c;UFdORUQ=\x07",
  "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
  "\x1b[2J\x1b[H",
  "\x1b[31;5;7m",
  "\r\nline",
  "\u202eevil\u2066",
  "\u009b2J\u009d0;PWNED\u009c",
  "\x1bP$q\x1b\\\x1b_PWNED\x1b\\",
  "\x1b[?1049l\x1b[?25h\x1bc",
];
const ALL = HOSTILE.join("");
/** The last ones: that with all of it is among them. */
const ONE_BY_ONE = 3;

let server: TestServer;
let database: pg.Client;
let directory: string;
const agents: RawAgent[] = [];
const ids: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-admin-hostile-"));
  const url = await freshDatabase();
  server = await startTestServer({ database: { kind: "postgres", url } });
  database = new pg.Client(url);
  await database.connect();
  for (const [i, text] of [...HOSTILE, ALL].entries()) {
    const { agentId, token } = await server.registerAgent(`host-${i}`);
    ids.push(agentId);
    const systemInfo = {
      hostname: text,
      os: text,
      arch: text,
      distro: text,
      region: text,
      virtualization: text,
      cpuCount: 4_294_967_295,
      memoryTotalBytes: Number.MAX_SAFE_INTEGER,
      diskTotalBytes: Number.MAX_SAFE_INTEGER,
    };
    const agent = await startRawAgent({ wsUrl: server.wsUrl, agentId, token, version: text, systemInfo });
    agents.push(agent);
  }
});

afterAll(async () => {
  for (const agent of agents) agent.close();
  await database?.end();
  await server?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

/** What Ink and the program itself send: colours, the cursor, erasing, modes; and the copies that a key has asked for. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what terminals are steered with.
const OURS = /\x1b\[[\d;]*[mABCDEGHJK]|\x1b\[\?(?:25|1049|2004|2026)[hl]|\x1b\[[<>=?][\d;]*[umc]|\x1b\[\d*[cn]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what terminals are steered with.
const STEERS = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function expectUnsteered(tui: AdminTui): void {
  const output = tui.output();
  expect(output).not.toContain("\x1b[31;5;7m");
  expect(output.replaceAll(OURS, "").replaceAll(/\r\n?/g, "")).not.toMatch(STEERS);
  // Left by nothing that a name said.
  expect(output.split("\x1b[?1049l")).toHaveLength(1);
}

/** Every screen that shows a name, and every dialog that repeats one. */
async function lookEverywhere(tui: AdminTui): Promise<void> {
  for (const [key, shown] of [
    ["2", /\[2 Sessions/],
    ["3", /\[3 Limits/],
    ["4", /\[4 Events\]/],
    ["5", /\[5 Instances 1\]/],
    ["6", /\[6 Tokens \d/],
    ["1", /\[1 Agents 11\]/],
  ] as const) {
    tui.type(key);
    await tui.shows(shown);
  }
  for (const id of ids.slice(-ONE_BY_ONE)) {
    await tui.filter(`id:${id}`);
    tui.type(ENTER);
    await tui.shows(new RegExp(`^ id +${id}`, "m"));
    await tui.leave(/^ access /m);
    tui.type("D");
    await tui.shows(/─ Delete /);
    await tui.leave(/─ Delete /);
    tui.type("r");
    await tui.shows(/─ Rename /);
    await tui.leave(/─ Rename /);
    await tui.leave(/ \/id:/);
  }
}

describe.each(SIZES)("at $name", ({ size, name: sizeName }) => {
  it("draws what agents say of their machines, and is steered by none of it", async () => {
    const nonsense = [Number.NaN, Number.POSITIVE_INFINITY, -5, 1e308];
    const tui = await openAdminTui({ server, token: server.adminToken, directory, size });
    await tui.shows(/\[1 Agents 11\]/);
    for (const cpuPercent of nonsense)
      for (const agent of agents) agent.report({ cpuPercent, memoryUsedBytes: 5, memoryTotalBytes: 0 });
    await lookEverywhere(tui);
    expect(tui.text()).not.toMatch(/NaN|Infinity/);
    expectUnsteered(tui);
    tui.kill();
  });

  it("draws names and tags that the server would not have let in, and is steered by none of them", async () => {
    for (const [i, text] of [...HOSTILE, ALL].entries()) {
      const facts = { hostname: text, os: text, arch: text, distro: text, region: text, virtualization: text };
      await database.query(
        `UPDATE agents SET name = $2, description = $3, tags = ARRAY[$3], os = $3, arch = $3, shell = $3, distro = $3,
         version = $3, system_info = system_info || $4::jsonb WHERE id = $1`,
        [ids[i], `${i}${text}`, text, JSON.stringify(facts)],
      );
    }
    await database.query("UPDATE users SET username = $1", [`admin${ALL}`]);
    await database.query("INSERT INTO audit_log (at, type, subject, actor, detail) VALUES (now(), $1, $1, $1, $2)", [
      ALL,
      JSON.stringify({ [ALL]: ALL }),
    ]);
    await database.query("UPDATE api_tokens SET name = name || $1", [ALL]);
    // Of a user whom the server has not met under another name yet.
    const api = adminApi(server, server.adminToken);
    const { secret } = await api.call(
      TokenServiceService.createToken,
      CreateTokenRequest.fromPartial({ name: "new", scopes: [TokenScope.TOKEN_SCOPE_ADMIN] }),
    );
    api.close();
    const tui = await openAdminTui({ server, token: secret, directory, size });
    await tui.shows(/\[1 Agents 11\]/);
    await tui.shows(/ admin\\u001b/);
    // They are there, and made harmless: this is no test of empty cells.
    await tui.shows(/\\u001b\]0/);
    await lookEverywhere(tui);
    expectUnsteered(tui);
    // What is written into a file is the names themselves in JSON, and no control character of theirs.
    tui.type("e");
    await tui.shows(/─ Export 11 rows ─/);
    tui.type(`${ERASE_LINE}all-${sizeName}.json${ENTER}`);
    await tui.shows(/ok: wrote/);
    const json = await readFile(join(directory, `all-${sizeName}.json`), "utf8");
    expect(json).not.toMatch(STEERS);
    expect((JSON.parse(json) as { name: string }[]).map(({ name }) => name)).toContain(`10${ALL}`);
    expectUnsteered(tui);
    tui.kill();
  });
});

it("lets no such name in by the API", async () => {
  const api = adminApi(server, server.adminToken);
  for (const text of HOSTILE) {
    const refused = { reason: "INVALID_ARGUMENT" };
    const agent = Agent.fromPartial({ id: ids[0] ?? "", name: text, tags: [text] });
    for (const field of ["name", "tags"]) {
      const call = api.call(AgentServiceService.updateAgent, { agent, updateMask: [field] });
      await expect(call).rejects.toMatchObject(refused);
    }
    const user = User.fromPartial({ email: "eve@example.org", username: text, plan: "free" });
    await expect(api.call(UserServiceService.createUser, { user, requestId: "" })).rejects.toMatchObject(refused);
  }
  api.close();
});
