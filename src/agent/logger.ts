// What the agent asks of a logger: pino's calls, so that a pino logger fits as it is.

type Log = (fields: Readonly<Record<string, unknown>>, message: string) => void;

export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
}
