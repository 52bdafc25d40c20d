// Which agent a name means.
import { describe, expect, it } from "vitest";
import { Agent, ListAgentsRequest, ListAgentsResponse } from "../gen/rexec/agent/v1/agent_service.ts";
import type { Api } from "./api.ts";
import { findAgentId } from "./find-agent.ts";

const ID = "11111111-1111-4111-8111-11111111111";

function api(...names: string[]) {
  const asked: ListAgentsRequest[] = [];
  const agents = names.map((name, i) => Agent.fromPartial({ name, id: `${ID}${i}` }));
  const answer = ListAgentsResponse.encode(
    ListAgentsResponse.fromPartial({ agents, totalSize: names.length }),
  ).finish();
  const call: Api["call"] = async (method, request) => {
    asked.push(ListAgentsRequest.decode(method.requestSerialize(request)));
    return method.responseDeserialize(Buffer.from(answer));
  };
  return { asked, call };
}

describe("findAgentId", () => {
  it("takes the one with exactly this name", async () => {
    expect(await findAgentId(api("web-10", "web-1"), "web-1")).toBe(`${ID}1`);
  });

  it("narrows by a word that has no space in it", async () => {
    const all = api("my long box");
    await findAgentId(all, "my long box");
    expect(all.asked[0]?.filter).toBe("name:long");
  });

  it("takes an id as it is, and asks nobody", async () => {
    const all = api();
    expect(await findAgentId(all, `${ID}1`.toUpperCase())).toBe(`${ID}1`);
    expect(all.asked).toEqual([]);
  });

  it("does not guess", async () => {
    await expect(findAgentId(api("web-10"), "web-1")).rejects.toMatchObject({ reason: "AGENT_NOT_FOUND" });
    await expect(findAgentId(api("a", "a"), "a")).rejects.toMatchObject({ reason: "USAGE" });
  });
});
