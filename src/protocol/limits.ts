// Every bound of the wire, in one place. docs/protocol.md lists them.

/** Output and input bytes in one data frame. Larger pieces save nothing on loopback (measured) and delay others. */
export const MAX_DATA_BYTES = 32 * 1024;
/** One control frame; a snapshot with much scrollback is the largest. */
export const MAX_CONTROL_BYTES = 1024 * 1024;
/** One WebSocket message from an agent or a viewer: a v1 client pastes 1 MB in one piece, and JSON may double it. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** Fragments of one message; an honest peer sends one or a few. Above: close 1008. */
export const MAX_FRAGMENTS = 64;

/** A viewer acknowledges output after this many bytes. */
export const ACK_EVERY_BYTES = 16 * 1024;
/** Output not yet acknowledged by the fastest viewer at which the agent pauses the PTY (the high-water mark): 64-256 KiB
 * cost no throughput on loopback, and 1 MB/s empties 128 KiB fast enough for Ctrl-C within 0.3 s. */
export const OUTPUT_WINDOW_BYTES = 128 * 1024;
/** The window of a far viewer grows with its round-trip time, up to this. */
export const MAX_OUTPUT_WINDOW_BYTES = 384 * 1024;
/** Output sent to one viewer and not acknowledged, at which the server stops forwarding to it and fetches later. */
export const VIEWER_WINDOW_BYTES = 512 * 1024;
/** How much output one Replay asks for. */
export const REPLAY_BYTES = 128 * 1024;

/** Input of one viewer that is not acknowledged: a client sends no more. */
export const MAX_INPUT_IN_FLIGHT_BYTES = 128 * 1024;
/** Input of one viewer that a server or agent takes before it calls it abuse (close 1008). */
export const MAX_INPUT_QUEUE_BYTES = 512 * 1024;

/** A socket whose unsent bytes pass this is beyond help and is closed; flow control keeps honest ones far below. */
export const MAX_SEND_QUEUE_BYTES = 16 * 1024 * 1024;

/** Output that an agent keeps of each shell. */
export const SCROLLBACK_RING_BYTES = 2 * 1024 * 1024;
export const SCROLLBACK_LINES = 1000;
export const MAX_SCROLLBACK_LINES = 10_000;
/** Shells on one agent. */
export const MAX_SESSIONS_PER_AGENT = 64;
/** Ended shells whose output an agent still has, each for RESUME_GRACE_MS; the oldest goes first. */
export const MAX_ENDED_SESSIONS_PER_AGENT = 16;
/** Viewers on one shell. */
export const MAX_VIEWERS_PER_SESSION = 256;

export const MAX_COLS = 1000;
export const MAX_ROWS = 1000;
export const DEFAULT_COLS = 80;
export const DEFAULT_ROWS = 24;

export const PING_INTERVAL_MS = 15_000;
/** Silent for this long is offline (three pings missed). */
export const OFFLINE_AFTER_MS = 45_000;
/** A viewer that lost its connection is waited for this long: its input offset is kept and output held for it. */
export const RESUME_GRACE_MS = 30_000;
/** A split shell without viewers ends after this. */
export const SPLIT_IDLE_MS = 60_000;
/** After the handshake, the first frame must come within this. */
export const HELLO_TIMEOUT_MS = 10_000;
/** A request to an agent (attach, exec, probe) is given up after this. */
export const AGENT_REQUEST_TIMEOUT_MS = 10_000;

/** Unknown message types after which a connection is closed with 1003. */
export const MAX_UNKNOWN_MESSAGES = 10;
export const MAX_EXEC_OUTPUT_BYTES = 1024 * 1024;
export const STATS_INTERVAL_MS = 5_000;
