import { z } from "zod";
import type { TokenizerFiles } from "../../tokenizer/model-folder.ts";
import { bool, type MetadataValue, uint32 } from "./metadata.ts";

const Special = z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }).optional() });
const PostProcessor = z.looseObject({
  type: z.string(),
  single: z.array(Special).optional(),
  processors: z.array(z.unknown()).optional(),
});

/** Tokens that have names of their own, and which of them stand around a text. texts: of the tokens, by id. bosId: where none is named */
export function specialTokenEntries(
  { specialTokens, endIds }: TokenizerFiles,
  postProcessor: unknown,
  texts: readonly string[],
  bosId?: number,
): [string, MetadataValue][] {
  const idOf = (token: string | undefined): number | undefined => {
    const id = token === undefined ? -1 : texts.indexOf(token);
    return id < 0 ? undefined : id;
  };
  const around = tokensAround(postProcessor);
  // A text's first token begins it, whatever tokenizer_config.json leaves out.
  const bos = idOf(around.first) ?? idOf(specialTokens.bos_token) ?? bosId;
  const eos = idOf(specialTokens.eos_token) ?? endIds[0];
  const further = endIds.filter((id) => id !== eos);
  const named: [string, number | undefined][] = [
    ["bos_token_id", bos],
    ["eos_token_id", eos],
    ["unknown_token_id", idOf(specialTokens.unk_token)],
    ["padding_token_id", idOf(specialTokens.pad_token)],
    // Two more tokens may end an answer: of a turn, and of a message that a tool answers.
    ["eot_token_id", further.find((id) => !isEndOfMessage(texts[id]))],
    ["eom_token_id", further.find((id) => isEndOfMessage(texts[id]))],
  ];
  return [
    ...named.flatMap(([key, id]): [string, MetadataValue][] =>
      id === undefined ? [] : [[`tokenizer.ggml.${key}`, uint32(id)]],
    ),
    ["tokenizer.ggml.add_bos_token", bool(around.first !== undefined)],
    ["tokenizer.ggml.add_eos_token", bool(around.last !== undefined)],
  ];
}

function isEndOfMessage(token: string | undefined): boolean {
  return token?.includes("eom") === true;
}

/** What a tokenizer.json's post-processor puts before and behind a text. */
export function tokensAround(postProcessor: unknown): { first: string | undefined; last: string | undefined } {
  const parsed = PostProcessor.safeParse(postProcessor);
  if (!parsed.success) return { first: undefined, last: undefined };
  const { type, single = [], processors = [] } = parsed.data;
  if (type === "TemplateProcessing") {
    return { first: single[0]?.SpecialToken?.id, last: single.at(-1)?.SpecialToken?.id };
  }
  const all = processors.map(tokensAround);
  return { first: all.find(({ first }) => first)?.first, last: all.find(({ last }) => last)?.last };
}
