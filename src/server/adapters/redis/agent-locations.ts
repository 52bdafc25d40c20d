// Which instance holds an agent's socket: one key for each connected agent, that dies where nobody refreshes it.
//
//   rexec:location:<agent id>   {"agentId", "instanceId", "connectionId", "bootId"?, "protocol", "epoch"}   TTL 45 s
//
// Changes are made by scripts, which Redis runs one at a time: claims, clean-ups and refreshes compare before they write.

import type { AgentId } from "../../../protocol/ids.ts";
import type { AgentLocation, AgentLocations } from "../../domain/agents/locations.ts";
import type { RedisCommands } from "./redis-clients.ts";
import { redisCall } from "./redis-errors.ts";
import { defineScript } from "./redis-script.ts";

/** Refreshed every 10 s: several may fail. Also how long an agent of an instance that has died is looked for there. */
const LOCATION_TTL_MS = 45_000;

/**
 * What is no location of ours has none, and neither has one of next year: whoever can write to Redis could otherwise use
 * the numbers up. An hour is for a clock that was set back.
 */
const EPOCH_OF = `
local function epochOf(held, now)
  local isText, location = pcall(cjson.decode, held or '')
  local epoch = isText and type(location) == 'table' and tonumber(location.epoch) or 0
  return epoch <= now + 3600000000 and epoch or 0
end`;

/**
 * The epoch grows though the key is gone and Redis has forgotten everything: it is at least Redis' clock in microseconds,
 * and above the one stored with the agent. A clock that was set back is outrun by either of them.
 */
const CLAIM = `
${EPOCH_OF}
local held = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local epoch = math.max(now, tonumber(ARGV[2]) + 1, epochOf(held, now) + 1)
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], string.sub(ARGV[1], 1, -2) .. ',"epoch":' .. text .. '}', 'PX', ARGV[3])
return text`;

/** 1: released · 0: another's by now, or gone. */
const RELEASE = `
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** 1: held still, or again · 0: somebody has claimed it since. */
const REFRESH = `
${EPOCH_OF}
local held = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
if held ~= ARGV[1] and epochOf(held, time[1] * 1000000 + time[2]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`;

export function createRedisLocations(redis: RedisCommands): AgentLocations {
  const runClaim = defineScript(redis, { name: "rexecClaim", lua: CLAIM });
  const runRelease = defineScript(redis, { name: "rexecRelease", lua: RELEASE });
  const runRefresh = defineScript(redis, { name: "rexecRefresh", lua: REFRESH });

  return {
    async claim(location, above) {
      const key = keyOf(location.agentId);
      const epoch = await redisCall(runClaim([key], [encode(location), above, LOCATION_TTL_MS]));
      return { ...location, epoch: Number(epoch) };
    },
    async get(agentId) {
      const text = await redisCall(redis.get(keyOf(agentId)));
      return text === null ? undefined : decode(agentId, text);
    },
    async release(location) {
      return (await redisCall(runRelease([keyOf(location.agentId)], [encode(location)]))) === 1;
    },
    async refresh(held) {
      const answers = await redisCall(
        Promise.all(
          held.map((location) =>
            runRefresh([keyOf(location.agentId)], [encode(location), location.epoch, LOCATION_TTL_MS]),
          ),
        ),
      );
      return held.filter((_, index) => answers[index] === 0);
    },
    async restore(location) {
      await redisCall(redis.set(keyOf(location.agentId), encode(location), "PX", LOCATION_TTL_MS));
    },
  };
}

function keyOf(agentId: AgentId): string {
  return `rexec:location:${agentId}`;
}

/** Always in one order: scripts compare texts. The epoch comes last. */
function encode(location: Omit<AgentLocation, "epoch"> & { epoch?: number }): string {
  const { agentId, instanceId, connectionId, bootId, protocol, epoch } = location;
  return JSON.stringify({ agentId, instanceId, connectionId, bootId, protocol, epoch });
}

/**
 * Redis is not trusted with more than where to ask: what is no location is none, and one that is false leads to an
 * instance that does not hold the agent.
 */
function decode(agentId: AgentId, text: string): AgentLocation | undefined {
  try {
    const location = JSON.parse(text) as AgentLocation;
    return location.agentId === agentId && Number.isSafeInteger(location.epoch) ? location : undefined;
  } catch {
    // Not ours: as good as nothing.
    return undefined;
  }
}
