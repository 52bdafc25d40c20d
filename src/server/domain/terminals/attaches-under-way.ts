// Attaches that an agent was asked for, by viewers here and elsewhere, and has not answered yet.
//
// A viewer that comes back gets the attachment that it had. Where its old connection is let go of while the agent is asked,
// a detach would reach the agent behind the attach, and would count for the newcomer: attached to nothing from then on.
//
//   old connection              server                                agent
//                                 | -- attach, key K ------------------> |   the attachment is K's, live as it was
//     | -- closes --------------> |    no detach: K is coming back       |
//                                 | <---------------------- attached --- |

import type { ControlOf } from "../../../protocol/control-frame.ts";
import type { AttachmentKey } from "../../../protocol/ids.ts";
import { MAX_VIEWERS_PER_SESSION } from "../../../protocol/limits.ts";
import type { AgentLink } from "./links.ts";

/** Whose attachment one is. */
export type AttachmentOwner = string & { readonly brand: "AttachmentOwner" };

interface UnderWay {
  owner: AttachmentOwner;
  /** Was let go of meanwhile: to be detached where the answer is another one. */
  left: number | undefined;
}

/** Far more than an agent has viewers. The oldest is forgotten above: its agent does not answer. */
const MAX_UNDER_WAY = 16 * MAX_VIEWERS_PER_SESSION;
const NOBODY = "" as AttachmentOwner;

export class AttachesUnderWay {
  readonly #agent: { readonly link: AgentLink | undefined };
  /** Made when it is needed: most agents have no viewers. */
  #requests: Map<number, UnderWay> | undefined;
  #lastId = 0;

  /** `agent`: who is told, while it is there. */
  constructor(agent: { readonly link: AgentLink | undefined }) {
    this.#agent = agent;
  }

  /** The request's id, never used again on this instance's hold of the agent. */
  add(owner: AttachmentOwner): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    this.#requests ??= new Map();
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size < MAX_UNDER_WAY) break;
      this.#requests.delete(oldest);
    }
    this.#requests.set(this.#lastId, { owner, left: undefined });
    return this.#lastId;
  }

  /** The agent has answered, with an attachment or without. Returns whose request it was. */
  answered(requestId: number, attachment?: number): AttachmentOwner {
    const { owner, left } = this.#requests?.get(requestId) ?? { owner: NOBODY, left: undefined };
    this.#requests?.delete(requestId);
    if (left !== undefined && left !== attachment) this.letGo({ attachment: left, linger: true }, owner);
    return owner;
  }

  /** An attachment has no viewer any more. The agent is told, unless its owner is coming back to it. */
  letGo(detach: ControlOf<"detach">, owner: AttachmentOwner): void {
    let last: UnderWay | undefined;
    for (const request of this.#requests?.values() ?? []) if (request.owner === owner) last = request;
    if (last === undefined) this.#agent.link?.sendControl({ $case: "detach", value: detach });
    else last.left = detach.attachment;
  }

  clear(): void {
    this.#requests = undefined;
  }
}

export function attachmentOwner({ userId, key }: { userId: string; key: AttachmentKey }): AttachmentOwner {
  return `${userId} ${key}` as AttachmentOwner;
}
