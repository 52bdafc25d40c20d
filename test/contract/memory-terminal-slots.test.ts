// Terminal slots in process.
import { createTerminalSlots } from "../../src/server/adapters/memory/terminal-slots.ts";
import { terminalSlotsContract } from "./terminal-slots-contract.ts";

terminalSlotsContract("memory", createTerminalSlots);
