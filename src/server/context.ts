import type { Engine } from "../engine/engine.ts";
import type { AnswerDefaults } from "./sampling.ts";
import type { ServedModels } from "./served-models.ts";
import type { StoredResponses } from "./stored-responses.ts";

/** What every route works with. */
export interface ServerContext {
  /** Cygnet's. */
  version: string;
  engine: Engine;
  models: ServedModels;
  responses: StoredResponses;
  defaults: AnswerDefaults & {
    /** Template variables where a request has none. */
    templateVariables: Record<string, unknown>;
  };
  /** Told of what is no fault of a request. */
  onBug(error: unknown): void;
  /** Texts that may be computed or wait. */
  maxPending: number;
}
