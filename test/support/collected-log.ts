// A log that tests can read, and wait for.
import type { Log } from "../../src/server/domain/log.ts";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  fields: object;
  message: string;
}

export interface CollectedLog extends Log {
  lines: LogLine[];
  /** The next line with this message. */
  next(message: string): Promise<LogLine>;
}

export function collectedLog(): CollectedLog {
  const lines: LogLine[] = [];
  const waiting: { message: string; resolve: (line: LogLine) => void }[] = [];
  const write = (level: LogLine["level"]) => (fields: object, message: string) => {
    const line = { level, fields, message };
    lines.push(line);
    for (const waiter of waiting.filter((one) => one.message === message)) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(line);
    }
  };
  return {
    lines,
    next: (message) => new Promise((resolve) => waiting.push({ message, resolve })),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}
