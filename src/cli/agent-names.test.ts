// What agents are called, asked for as seldom as can be.
import { describe, expect, it } from "vitest";
import {
  AgentServiceService,
  GetAgentRequest,
  GetAgentResponse,
  ListAgentsResponse,
} from "../gen/rexec/agent/v1/agent_service.ts";
import { AgentNames } from "./agent-names.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";

/** Knows "a0" to "a9", called "box-0" to "box-9". */
function api() {
  const asked: string[] = [];
  const agents = Array.from({ length: 10 }, (_, i) => ({ id: `a${i}`, name: `box-${i}` }));
  const call: Api["call"] = async (method, request) => {
    if (method.path === AgentServiceService.listAgents.path) {
      asked.push("all");
      const all = ListAgentsResponse.fromPartial({ agents });
      return method.responseDeserialize(Buffer.from(ListAgentsResponse.encode(all).finish()));
    }
    const { agentId } = GetAgentRequest.decode(method.requestSerialize(request));
    asked.push(agentId);
    const agent = agents.find(({ id }) => id === agentId);
    if (agent === undefined) throw new CliError("AGENT_NOT_FOUND", { message: "agent not found" });
    const one = GetAgentResponse.fromPartial({ agent });
    return method.responseDeserialize(Buffer.from(GetAgentResponse.encode(one).finish()));
  };
  return { asked, call };
}

describe("agent names", () => {
  it("are asked for once, one by one where they are few", async () => {
    const server = api();
    const names = new AgentNames();
    await names.learn(server, ["a1", "a2", "a1"]);
    await names.learn(server, ["a2", "a3"]);
    expect(server.asked).toEqual(["a1", "a2", "a3"]);
    expect([names.nameOf("a1"), names.nameOf("a3")]).toEqual(["box-1", "box-3"]);
  });

  it("are asked for together where they are many", async () => {
    const server = api();
    const names = new AgentNames();
    await names.learn(server, ["a0", "a1", "a2", "a3", "a4", "a5"]);
    expect([server.asked, names.nameOf("a5")]).toEqual([["all"], "box-5"]);
  });

  it("are ids where there is no such agent any more, which is asked for once, too", async () => {
    const server = api();
    const names = new AgentNames();
    await names.learn(server, ["gone"]);
    await names.learn(server, ["gone"]);
    expect([server.asked, names.nameOf("gone")]).toEqual([["gone"], "gone"]);
  });
});
