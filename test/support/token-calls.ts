// TokenService's calls as a test makes them, on one control plane.
import { randomUUID } from "node:crypto";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  CreateTokenRequest,
  ListTokensRequest,
  TokenScope,
  TokenServiceService,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import type { ControlPlane } from "./control-plane.ts";
import { ok } from "./grpc-call.ts";

const { createToken, listTokens } = TokenServiceService;
const { registerAgent, listAgents } = AgentServiceService;

/** `plane` is asked for with each call: it may not have started yet. */
export function tokenCalls(plane: () => ControlPlane) {
  const create = (token: string, fields: Partial<CreateTokenRequest> = {}) =>
    plane().call(
      createToken,
      CreateTokenRequest.fromPartial({ name: "ci", scopes: [TokenScope.TOKEN_SCOPE_READ], ...fields }),
      {
        token,
      },
    );
  const list = (token: string, fields: Partial<ListTokensRequest> = {}) =>
    plane().call(listTokens, ListTokensRequest.fromPartial(fields), { token });
  const created = async (token: string, fields: Partial<CreateTokenRequest> = {}) => {
    const { token: made, secret } = await ok(create(token, fields));
    if (made === undefined) throw new Error("no token in the response");
    return { made, secret };
  };
  const agents = (token: string) => plane().call(listAgents, ListAgentsRequest.fromPartial({}), { token });
  const agentOf = async (token: string) => {
    const request = RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` });
    return (await ok(plane().call(registerAgent, request, { token }))).agent?.id ?? "";
  };
  return { create, list, created, agents, agentOf };
}
