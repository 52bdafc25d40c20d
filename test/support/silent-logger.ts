// A logger that says nothing.

import type { Logger } from "../../src/agent/logger.ts";

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
