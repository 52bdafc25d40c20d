import type { OutputChunk } from "rolldown";

export function bundlePageScript(): Promise<OutputChunk>;
export function bundlePage(directory: string): Promise<void>;
