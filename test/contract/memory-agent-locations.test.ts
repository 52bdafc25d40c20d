// Agent locations in process.
import { createAgentLocations } from "../../src/server/adapters/memory/agent-locations.ts";
import { agentLocationsContract } from "./agent-locations-contract.ts";

agentLocationsContract("memory", createAgentLocations);
