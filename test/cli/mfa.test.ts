// What the command line says of a locked agent: that it is, and what opens it.
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { CliHome } from "../support/cli.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

let home: CliHome;
let server: TestServer;
let agentId: string;

beforeAll(async () => {
  [home, server] = await Promise.all([CliHome.make(), startTestServer()]);
  ({ agentId } = await server.registerAgent("locked"));
  const mfa = new MfaServiceClient(server.grpcAddress, credentials.createInsecure());
  const { otpauthUrl } = (await call(mfa, "enroll", {}, server.adminToken)) as { otpauthUrl: string };
  await call(mfa, "confirmEnrollment", { code: authenticatorOf(otpauthUrl).code(Date.now()) }, server.adminToken);
  await call(mfa, "lockAgent", { agentId }, server.adminToken);
  mfa.close();
});

afterAll(async () => {
  await server?.close();
  await home?.close();
});

it.each([
  [["attach", "locked"], 255],
  [["token", "create", "box", "--scope", "agent", "--agent", "AGENT"], 5],
])("rexec %j ends with what to do", async (args, exitCode) => {
  const target = ["--server", server.httpUrl, "--grpc", server.grpcAddress];
  const command = args.map((arg) => (arg === "AGENT" ? agentId : arg));
  const { code, stderr } = await home.run([...command, ...target], { env: { REXEC_TOKEN: server.adminToken } });
  expect(stderr).toBe(
    "rexec: mfa verification required\n" +
      "  try: the agent is locked: prove a code with VerifyAccess or UnlockAgent of rexec.mfa.v1.MfaService, with the same token\n",
  );
  expect(code).toBe(exitCode);
});
