import type { ConversationItem } from "../protocol/openai-responses.ts";
import { UserError } from "../protocol/user-error.ts";

/** A response and the conversation it ends, instructions aside. */
interface Stored {
  response: { id: string };
  items: readonly ConversationItem[];
  bytes: number;
}

const defaultMaxBytes = 16 * 2 ** 20;

/** The latest responses, for requests that go on from them. In memory, so many bytes; the oldest are forgotten. */
export class StoredResponses {
  readonly #maxBytes: number;
  /** In the order of their coming. */
  readonly #stored = new Map<string, Stored>();
  #bytes = 0;

  constructor(maxBytes = defaultMaxBytes) {
    this.#maxBytes = maxBytes;
  }

  add(response: { id: string }, items: readonly ConversationItem[]): void {
    const bytes = 2 * JSON.stringify([response, items]).length;
    this.#stored.set(response.id, { response, items, bytes });
    this.#bytes += bytes;
    for (const id of this.#stored.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.remove(id);
    }
  }

  /** @throws UserError when it was not kept. */
  get(id: string): Stored {
    const stored = this.#stored.get(id);
    if (!stored) throw new UserError("server/unknown-response", { id });
    return stored;
  }

  /** @throws UserError when it was not kept. */
  remove(id: string): void {
    this.#bytes -= this.get(id).bytes;
    this.#stored.delete(id);
  }

  /** An item of any of them. @throws UserError when there is none. */
  item(id: string): ConversationItem {
    for (const { items } of this.#stored.values()) {
      const found = items.find((item) => item.id === id);
      if (found) return found;
    }
    throw new UserError("server/unknown-response", { id });
  }
}
