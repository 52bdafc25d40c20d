// A locked agent asks for a code on the page, and opens to it. The codes of one test are of three steps that follow.
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import {
  CreateTokenRequest,
  type CreateTokenResponse,
  TokenScope,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import { type Authenticator, authenticatorOf, wrongCode } from "../support/mfa.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";
import { closeBrowser, openPage } from "./page-under-test.ts";

let server: TestServer;
let agent: RunningAgent;
let mfa: MfaServiceClient;
let app: Authenticator;
let agentId: string;

beforeAll(async () => {
  server = await startTestServer();
  const box = await server.registerAgent("vault");
  agentId = box.agentId;
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...box });
  mfa = new MfaServiceClient(server.grpcAddress, credentials.createInsecure());
  const { otpauthUrl } = (await call(mfa, "enroll", {}, server.adminToken)) as { otpauthUrl: string };
  app = authenticatorOf(otpauthUrl);
  await call(mfa, "confirmEnrollment", { code: app.code(Date.now(), -1) }, server.adminToken);
});
afterAll(async () => {
  await closeBrowser();
  mfa?.close();
  await agent?.stop("the test is over");
  await server?.close();
});

it("closes terminals without a grant, asks for a code, and opens to the right one", async () => {
  const under = await openPage(server.httpUrl);
  await under.logIn(server.adminToken);
  await under.open("vault");
  await under.page.keyboard.type("x=ins''ide\n");
  await call(mfa, "lockAgent", { agentId }, server.adminToken);

  const code = under.page.getByLabel("Code of your second factor");
  await code.waitFor();
  await expect.poll(() => under.agent("vault").innerText()).toContain("locked");
  await code.fill(wrongCode(app, Date.now()));
  await under.page.keyboard.press("Enter");
  await expect
    .poll(() => under.pane().getByRole("alert").innerText())
    .toMatch(/^Mfa verification required\. The code was wrong/);

  await code.fill(app.code(Date.now()));
  await under.page.keyboard.press("Enter");
  await under.shows(/^[#$]/m);
  await under.page.keyboard.type("echo $x\n");
  await under.shows(/^inside$/m);

  expect(under.complaints).toEqual([]);
  await under.close();
});

it("asks another login, too, which is refused before there is a terminal", async () => {
  const request = CreateTokenRequest.fromPartial({ name: "another", scopes: [TokenScope.TOKEN_SCOPE_WRITE] });
  const { secret } = (await call(server.tokens, "createToken", request, server.adminToken)) as CreateTokenResponse;
  const under = await openPage(server.httpUrl);
  await under.logIn(secret);
  await under.agent("vault").locator(".agent-open").click();
  await under.page.getByLabel("Code of your second factor").fill(app.code(Date.now(), 1));
  await under.page.keyboard.press("Enter");
  await under.shows(/^[#$]/m);
  expect(under.complaints).toEqual([]);
  await under.close();
});
