// The web terminal: its page at /, and what that loads. For everybody, as it holds nothing of anybody's: what it shows, it
// asks for with the token that is typed into it.

import { HttpRefusal, type Reply } from "./reply.ts";
import type { OpenRequest, OpenRoute } from "./route.ts";

export interface PageRouteDeps {
  page: PageFiles;
}

export interface PageFiles {
  /** A file of the page by its name; "index.html" is the page itself. Undefined where there is none. */
  find(name: string): PageFile | undefined;
}

export interface PageFile {
  contentType: string;
  bytes: Uint8Array;
  /** The same, shorter. */
  gzipped?: Uint8Array;
}

/**
 * Everything from this origin, and nothing from any other. xterm.js makes three style elements and sets the style of cells
 * in true colour, for which there is no narrower rule; a style that somebody smuggled in could load nothing.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const PAGE_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

export const PAGE_ROUTES: readonly OpenRoute<PageRouteDeps>[] = [
  {
    method: "GET",
    path: "/",
    access: "anybody",
    /** Asked for again each time: it names the files that belong to it. */
    serve: async ({ page }, request) => fileReply(page.find("index.html"), request, "no-cache"),
  },
  {
    method: "GET",
    path: "/assets/:name",
    access: "anybody",
    /** Their names have a hash of what is in them. */
    serve: async ({ page }, request) =>
      fileReply(page.find(`assets/${request.params["name"]}`), request, "public, max-age=31536000, immutable"),
  },
];

function fileReply(file: PageFile | undefined, { acceptEncoding }: OpenRequest, cacheControl: string): Reply {
  if (file === undefined) throw new HttpRefusal(404, "not found");
  const headers = {
    ...PAGE_HEADERS,
    "content-type": file.contentType,
    "cache-control": cacheControl,
    vary: "accept-encoding",
  };
  const { gzipped } = file;
  if (gzipped === undefined || !takesGzip(acceptEncoding)) return { status: 200, body: file.bytes, headers };
  return { status: 200, body: gzipped, headers: { ...headers, "content-encoding": "gzip" } };
}

/** "gzip", among others, and not with a quality of 0. */
function takesGzip(acceptEncoding = ""): boolean {
  return acceptEncoding.split(",").some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}
