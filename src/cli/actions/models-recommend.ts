import { type Choice, chooseModels, smallestChoice } from "../../hub/choose-model.ts";
import { licenceOf } from "../../hub/licences.ts";
import { chosenHub } from "../../hub/settings.ts";
import { commonContext, commonTraining } from "../../models/memory-estimate.ts";
import { getLanguage, say } from "../../protocol/language.ts";
import type { RecommendConfig } from "../commands/models-recommend.ts";
import { computeFacts, macShare, memoryLimit } from "../memory-limit.ts";
import { programName } from "../program-name.ts";
import type { Ui } from "../ui.ts";

export async function modelsRecommend(config: RecommendConfig, ui: Ui): Promise<void> {
  const { task, memory } = config;
  const hub = chosenHub(config.hub);
  // A machine that is only named is taken for a Mac.
  const limit = memory === undefined ? memoryLimit() : { bytes: memory * macShare, totalBytes: memory };
  const compute = memory === undefined ? computeFacts() : { activationBytes: 2, hasKernels: false };
  const choices = chooseModels(task, limit.bytes, hub, compute);
  const flag = given({ ...config, memory: undefined });
  const pullOf = ({ name }: Choice) => `${programName()} pull ${name}${flag}`;
  ui.emit({
    task,
    memory_bytes: limit.totalBytes,
    limit_bytes: limit.bytes,
    models: choices.map((choice) => ({
      name: choice.name,
      hub,
      parameters: choice.parameters,
      method: choice.method,
      train_bytes: Math.round(choice.trainBytes),
      run_bytes: Math.round(choice.runBytes),
      licence: choice.recommendation.licence,
      gated: choice.isGated,
      commercial_use: licenceOf(choice.recommendation.licence)?.commercial ?? "unknown",
      command: pullOf(choice),
    })),
  });
  const { rows, tokens, rank, tunedLayers } = commonTraining;
  const sizes = { total: gb(limit.totalBytes), limit: gb(limit.bytes) };
  if (choices.length === 0) {
    const least = smallestChoice(task, hub, compute);
    const small = task === "small" ? undefined : `${programName()} models recommend --task small${given(config)}`;
    const facts = { ...sizes, task, name: least?.name, need: gb(least?.trainBytes ?? 0), small };
    ui.print(`${say("recommend/none", facts)}\n`);
    return;
  }
  ui.print(
    `${say("recommend/head", { ...sizes, task, rows, tokens, rank, layers: tunedLayers, context: commonContext })}\n\n`,
  );
  for (const choice of choices) ui.print(`${describe(choice, limit.bytes)}\n    ${pullOf(choice)}\n\n`);
  ui.print(`${say("recommend/foot", { cygnet: programName(), name: `${choices[0]?.name ?? ""}${flag}` })}\n`);
}

/** The flags that a further question keeps. */
function given({ memory, hub }: RecommendConfig): string {
  return `${memory === undefined ? "" : ` --memory ${memory / 1e9}GB`}${hub ? ` --hub ${hub}` : ""}`;
}

function describe(choice: Choice, limit: number): string {
  const { name, parameters, method, isGated, trainBytes, runBytes, recommendation } = choice;
  const licence = licenceOf(recommendation.licence);
  return say("recommend/line", {
    name,
    billions: parameters / 1e9,
    why: recommendation.why[getLanguage()],
    licence: say("models/licence", { title: licence?.title, commercial: licence?.commercial, note: undefined }),
    method,
    train: gb(trainBytes),
    spare: gb(limit - trainBytes),
    run: gb(runBytes),
    isGated,
  });
}

function gb(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
