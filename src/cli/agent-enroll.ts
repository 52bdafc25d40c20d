// Registers this machine as an agent: for who is logged in, or with a code of somebody who is.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { parseEnrollmentCode } from "../protocol/enrollment-code.ts";
import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { MAX_NAME_LENGTH, nameProblem } from "../protocol/names.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";

export interface NewAgent {
  agentId: AgentId;
  name: string;
  /** Shown this once. */
  token: string;
}

/** Throws what the server refuses: a name that is taken, a plan that is full. */
export async function enrollThisMachine(
  api: Pick<Api, "call">,
  { name, description, tags }: { name: string; description: string; tags: readonly string[] },
): Promise<NewAgent> {
  const { platform, arch } = process;
  const { AgentServiceService } = await import("../gen/rexec/agent/v1/agent_service.ts");
  const made = await api.call(AgentServiceService.registerAgent, {
    name,
    description,
    os: platform,
    arch,
    // The agent says at each start which shell it runs.
    shell: "",
    tags: [...tags],
    requestId: randomUUID(),
  });
  return newAgentOf(made);
}

/** Needs no token. `name` undefined: the code's own, or the host's. Throws what the server refuses. */
export async function enrollWithCode(
  api: Pick<Api, "call">,
  { code, name = "", description }: { code: string; name: string | undefined; description: string },
): Promise<NewAgent> {
  const { platform, arch } = process;
  const { AgentServiceService } = await import("../gen/rexec/agent/v1/agent_service.ts");
  const made = await api
    .call(AgentServiceService.enrollAgent, {
      code,
      name,
      fallbackName: machineName(),
      description,
      os: platform,
      arch,
      requestId: randomUUID(),
    })
    .catch((error: unknown) => {
      if (!(error instanceof CliError) || error.reason !== "TOKEN_INVALID") throw error;
      const message = "this code is not good: mistyped, used, expired or revoked";
      throw new CliError(error.reason, { message, hint: MAKE_ANOTHER }, { cause: error });
    });
  return newAgentOf(made);
}

/** Throws USAGE for what is no code at all. */
export function checkCode(typed: string): string {
  const code = parseEnrollmentCode(typed);
  if (code !== undefined) return code;
  throw new CliError("USAGE", { message: "what was given is no enrolment code", why: SHAPE, hint: MAKE_ANOTHER });
}

const SHAPE = "it has eight letters and digits, as in 7K2M-9QX4";
const MAKE_ANOTHER = "make one with `rexec agent invite`, where somebody is logged in";

function newAgentOf({ agent, token }: { agent?: { id: string; name: string } | undefined; token: string }): NewAgent {
  const agentId = parseUuid<AgentId>(agent?.id ?? "");
  if (agent === undefined || agentId === undefined || token === "") {
    throw new CliError("PROTOCOL", { message: "the server's answer holds no agent" });
  }
  return { agentId, name: agent.name, token };
}

/** The host's name, made acceptable. */
export function machineName(): string {
  const name = hostname().slice(0, MAX_NAME_LENGTH);
  return nameProblem(name) === undefined ? name : "this-machine";
}
