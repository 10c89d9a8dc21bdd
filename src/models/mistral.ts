// Reference: mlx-lm models/llama.py, which also runs Mistral 7B, Nemo and their finetunes.
import { z } from "zod";
import { Llama, LlamaConfig } from "./llama.ts";

/** Transformers' own default is an output layer of its own. */
export const MistralConfig = LlamaConfig.extend({ tie_word_embeddings: z.boolean().default(false) });

export class Mistral extends Llama {}
