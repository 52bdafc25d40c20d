// Registers an agent and prints its id and token.
import { randomUUID } from "node:crypto";
import { agents, call, main } from "./rexec.js";

await main(async ([name]) => {
  // A retry with the same request id makes no second agent.
  const request = { name, os: "linux", tags: ["example"], request_id: randomUUID() };
  const { agent, token } = await call(agents, "RegisterAgent", request);
  console.log(JSON.stringify({ agent_id: agent.id, token }));
});
