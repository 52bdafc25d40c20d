// Plans, limits and tokens, changed by keys; each is looked for at the server.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { PlanServiceService } from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { User, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import { type AdminCluster, adminApi, startAdminCluster } from "../support/admin-cluster.ts";
import { type AdminTui, ENTER, ERASE_LINE, openAdminTui, SIZES, TAB } from "../support/admin-tui.ts";

let cluster: AdminCluster;

beforeAll(async () => {
  cluster = await startAdminCluster();
});

afterAll(() => cluster?.close());

const CASES = SIZES.map((size, i) => ({ ...size, person: `person-${i + 1}`, tokenName: `laptop-${i + 1}` }));

describe.each(CASES)("at $name", ({ size, person, tokenName }) => {
  let tui: AdminTui;
  let userId: string;
  let plan: string;

  beforeAll(async () => {
    const { server, directory, api } = cluster;
    const user = User.fromPartial({ email: `${person}@example.org`, username: person, plan: "free" });
    userId = (await api.call(UserServiceService.createUser, { user, requestId: "" })).user?.id ?? "";
    // A plan of its own, whose limits can be changed without another test's noticing.
    plan = (await cluster.addUser({ terminals: 2 })).plan;
    tui = await openAdminTui({ server, token: server.adminToken, directory, size });
  });

  afterAll(() => tui?.kill());
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    // What a failed test leaves on the screen is not the next one's.
    tui.kill();
    tui = await openAdminTui({
      server: cluster.server,
      token: cluster.server.adminToken,
      directory: cluster.directory,
      size,
    });
  });

  const limitsOf = async (id: string) => (await cluster.api.call(PlanServiceService.getLimits, { userId: id })).limits;

  it("gives a user another plan, and shows why one can't be had", async () => {
    tui.type("3");
    await tui.shows(/\[3 Limits \d+/);
    await tui.filter(person);
    tui.type("p");
    await tui.shows(new RegExp(`─ Plan of ${person} ─`));
    await tui.shows(/> plan +free/);
    tui.type(`${ERASE_LINE}platinum${ENTER}`);
    await tui.shows(new RegExp(`! changing the plan of ${person}: .*plan`));
    expect(await limitsOf(userId)).toMatchObject({ plan: "free", agentsLimit: 5 });
    tui.type("p");
    await tui.shows(/> plan +free/);
    tui.type(`${ERASE_LINE}pro${ENTER}`);
    await tui.shows(new RegExp(`ok: ${person} has the plan pro`));
    expect(await limitsOf(userId)).toMatchObject({ plan: "pro", agentsLimit: 10 });
    await tui.shows(new RegExp(`${person} +pro .* 0/10 .* 0/10$`, "m"));
    await tui.leave(new RegExp(`/${person}`));
  });

  it("gives a plan other limits, which hold for who has it", async () => {
    await cluster.api.call(UserServiceService.updateUser, {
      user: User.fromPartial({ id: userId, plan }),
      updateMask: ["plan"],
    });
    tui.type("3");
    await tui.shows(/\[3 Limits \d+/);
    await tui.filter(person);
    await tui.shows(new RegExp(`${person} +plan-.* 0/100 .* 0/2$`, "m"));
    tui.type("P");
    await tui.shows(/─ A plan's limits ─/);
    // Where the plans are known its name is settled, and the numbers are next.
    if (/> plan/.test(tui.text())) tui.type(TAB);
    await tui.shows(/> agents/);
    tui.type(`${ERASE_LINE}many${TAB}${ERASE_LINE}3${ENTER}`);
    await tui.shows(/! numbers from 0 to/);
    tui.type("\x1b[A"); // Up: the field before.
    await tui.shows(/> agents +many/);
    tui.type(`${ERASE_LINE}7${TAB}${ENTER}`);
    await tui.shows(/ok: plan-.*: 7 agents, 3 in use at once/);
    expect(await limitsOf(userId)).toMatchObject({ agentsLimit: 7, terminalAgentsLimit: 3 });
    await tui.shows(new RegExp(`${person} +plan-.* 0/7 .* 0/3$`, "m"));
  });

  it("makes a token that is shown once and works", async () => {
    tui.type("6");
    await tui.shows(/\[6 Tokens \d+\]/);
    tui.type("n");
    await tui.shows(/─ A new token ─/);
    tui.type(`${tokenName}${ENTER}${ERASE_LINE}root${ENTER}${ENTER}`);
    await tui.shows(/! scopes are of read, write, admin/);
    tui.type(`${TAB}${TAB}`);
    await tui.shows(/> scopes +root/);
    tui.type(`${ERASE_LINE}read${ENTER}${ENTER}`);
    await tui.shows(/│ rexec_[0-9a-f]{64} /);
    const secret = /rexec_[0-9a-f]{64}/.exec(tui.text())?.[0] ?? "";
    const api = adminApi(cluster.server, secret);
    const everything = { pageSize: 1, pageToken: "", filter: "", orderBy: "" };
    expect((await api.call(AgentServiceService.listAgents, everything)).agents).toHaveLength(1);
    const agentId = cluster.agentId("node-001");
    await expect(api.call(AgentServiceService.deleteAgent, { agentId })).rejects.toMatchObject({
      reason: "NOT_AUTHORIZED",
    });
    tui.type("y");
    await expect.poll(tui.output).toContain(`\x1b]52;c;${Buffer.from(secret).toString("base64")}\x07`);
    tui.type(ENTER);
    await tui.hides(/rexec_[0-9a-f]{64}/);
    await tui.filter(tokenName);
    await tui.shows(new RegExp(`^> +${tokenName} +rexec_\\w{6} +read +admin .* ends in`, "m"));
    await tui.leave(new RegExp(`/${tokenName}`));
    api.close();
  });

  it("revokes a token, which is worth nothing from then on", async () => {
    const { secret } = await cluster.api.call(
      TokenServiceService.createToken,
      CreateTokenRequest.fromPartial({ name: `${tokenName}-old`, scopes: [TokenScope.TOKEN_SCOPE_READ] }),
    );
    const api = adminApi(cluster.server, secret);
    await api.call(TokenServiceService.exchangeToken, {});
    tui.type("6");
    await tui.shows(/\[6 Tokens \d+\]/);
    await tui.filter(`${tokenName}-old`);
    tui.type("R");
    await tui.shows(new RegExp(`─ Revoke ${tokenName}-old \\(${secret.slice(0, 12)}\\)\\? ─`));
    await tui.shows(/>\[ Cancel \]/);
    tui.type(`${TAB}${ENTER}`);
    await tui.shows(/ok: revoked /);
    await expect(api.call(TokenServiceService.exchangeToken, {})).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
    await tui.shows(new RegExp(`^> +${tokenName}-old .* revoked`, "m"));
    api.close();
  });
});
