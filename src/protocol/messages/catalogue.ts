import { adapterMessages } from "./adapter.ts";
import { benchMessages } from "./bench.ts";
import { blocksMessages } from "./blocks.ts";
import { chatMessages } from "./chat.ts";
import { cliMessages } from "./cli.ts";
import { compareMessages } from "./compare.ts";
import { dataMessages } from "./data.ts";
import { demoMessages } from "./demo.ts";
import { engineMessages } from "./engine.ts";
import { fileMessages } from "./file.ts";
import { generateMessages } from "./generate.ts";
import { ggufMessages } from "./gguf.ts";
import { grammarMessages } from "./grammar.ts";
import { hubMessages } from "./hub.ts";
import { modelMessages } from "./model.ts";
import { modelsMessages } from "./models.ts";
import { nativeMessages } from "./native.ts";
import { quantizeMessages } from "./quantize.ts";
import { routeMessages } from "./routes.ts";
import { serverMessages } from "./server.ts";
import { tokenizerMessages } from "./tokenizer.ts";
import { trainerMessages } from "./trainer.ts";
import { trainingMessages } from "./training.ts";

const messages = {
  ...adapterMessages,
  ...benchMessages,
  ...blocksMessages,
  ...chatMessages,
  ...cliMessages,
  ...compareMessages,
  ...dataMessages,
  ...demoMessages,
  ...fileMessages,
  ...engineMessages,
  ...generateMessages,
  ...ggufMessages,
  ...grammarMessages,
  ...hubMessages,
  ...modelMessages,
  ...modelsMessages,
  ...nativeMessages,
  ...quantizeMessages,
  ...routeMessages,
  ...serverMessages,
  ...tokenizerMessages,
  ...trainerMessages,
  ...trainingMessages,
};

/** The name of a message, `area/what`. */
export type Code = keyof typeof messages;

/** The facts that a message is told with. */
export type Facts = { [C in Code]: Parameters<(typeof messages)[C]>[0] };

/** Every sentence that Cygnet says to a person, by code, in both languages. */
export const catalogue: { [C in Code]: (facts: Facts[C]) => Text } = messages;

/** One message in every language that Cygnet speaks. */
export interface Text {
  en: string;
  zh: string;
}
