import { thoughtsOf } from "../generate/thinking.ts";
import type { ChatRequest } from "../protocol/openai.ts";
import { type AnswerRequest, answerRequest } from "./answer.ts";
import { formatGrammar, grammarFor } from "./answer-grammar.ts";
import { type ChatPrompt, chatPrompt } from "./chat-prompt.ts";
import type { ServerContext } from "./context.ts";
import type { Served } from "./served-models.ts";
import { toolUseOf } from "./tool-use.ts";

/** The prompt that a conversation is for the model it names. */
export async function conversationPrompt(
  { models, defaults }: ServerContext,
  request: ChatRequest,
): Promise<{ served: Served; prompt: ChatPrompt }> {
  const served = await models.resolve(request.model, request.adapters);
  const tools = request.tool_choice === "none" ? undefined : request.tools;
  const prompt = await chatPrompt(served.model.tokenizer, { ...request, tools }, defaults.templateVariables);
  return { served, prompt };
}

/**
 * What answers a conversation, whichever API asks: other APIs' requests are put in the words of chat completions.
 * @throws UserError where the request asks for what cannot be.
 */
export async function chatAnswer(context: ServerContext, request: ChatRequest): Promise<AnswerRequest> {
  const { served, prompt } = await conversationPrompt(context, request);
  const { tokenizer } = served.model;
  const toolUse = toolUseOf(tokenizer, request);
  return {
    ...answerRequest(served, prompt.ids, request, context.defaults),
    grammar: grammarFor(toolUse?.grammar ?? formatGrammar(request.response_format), prompt),
    toolUse,
    thoughts: thoughtsOf(tokenizer, prompt),
  };
}
