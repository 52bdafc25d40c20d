// The server's log: JSON lines, without secrets.

import { type Logger, pino } from "pino";
import type { ServerConfig } from "./config.ts";

export function createLog({ logLevel, logFile }: ServerConfig): Logger {
  const destination =
    logFile === undefined ? pino.destination(2) : pino.destination({ dest: logFile, mkdir: true, mode: 0o600 });
  // A last net under the rule that secrets are never logged.
  const redact = ["token", "secret", "authorization", "*.token", "*.secret", "*.authorization", "*.headers"];
  return pino({ level: logLevel, redact }, destination);
}
