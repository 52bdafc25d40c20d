import type { OutputChunk } from "rolldown";

export function bundle(directory?: string): Promise<OutputChunk[]>;
