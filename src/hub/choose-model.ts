import {
  type ComputeFacts,
  commonContext,
  commonTraining,
  memoryToRun,
  memoryToTrain,
  parametersOf,
} from "../models/memory-estimate.ts";
import { nameOn, type Recommendation, recommendations, type Task } from "./recommendations.ts";
import type { HubName } from "./settings.ts";

/** Bits of a weight in MLX's 4-bit format: 4, and for each group of 64 a scale and a bias of 16. */
export const fourBitBits = 4.5;

export interface Choice {
  recommendation: Recommendation;
  /** What to pull. */
  name: string;
  parameters: number;
  /** LoRA on the model as it is, or QLoRA on its copy in 4 bits. */
  method: "lora" | "qlora";
  /** Its terms have to be accepted first. */
  isGated: boolean;
  trainBytes: number;
  runBytes: number;
}

/** How many are shown. */
const most = 5;

/** The models for a task whose training fits into `limitBytes`, the largest first; each as it is where that fits, else in 4 bits. */
export function chooseModels(task: Task, limitBytes: number, hub: HubName, compute: ComputeFacts): Choice[] {
  const choices = recommendations
    .filter(({ tasks }) => tasks.includes(task))
    .flatMap((recommendation) => {
      const fitting = (["lora", "qlora"] as const).flatMap(
        (method) => choiceOf(recommendation, method, hub, compute) ?? [],
      );
      return fitting.find(({ trainBytes }) => trainBytes <= limitBytes) ?? [];
    });
  return choices.sort((a, b) => b.parameters - a.parameters).slice(0, most);
}

/** The least demanding model for a task. */
export function smallestChoice(task: Task, hub: HubName, compute: ComputeFacts): Choice | undefined {
  const all = recommendations.filter(({ tasks }) => tasks.includes(task));
  const choices = all.flatMap((each) => choiceOf(each, "qlora", hub, compute) ?? []);
  return choices.sort((a, b) => a.trainBytes - b.trainBytes)[0];
}

function choiceOf(
  recommendation: Recommendation,
  method: Choice["method"],
  hub: HubName,
  compute: ComputeFacts,
): Choice | undefined {
  const { shape, isGated = false } = recommendation;
  const name = nameOn(hub, recommendation, method === "qlora");
  if (name === undefined) return undefined;
  const parameters = parametersOf(shape);
  const weightBytes = method === "qlora" ? (parameters * fourBitBits) / 8 : parameters * compute.activationBytes;
  return {
    recommendation,
    name,
    parameters,
    method,
    isGated: isGated && hub === "hf" && method === "lora",
    trainBytes: memoryToTrain(shape, weightBytes, commonTraining, compute),
    runBytes: memoryToRun(shape, weightBytes, commonContext, compute),
  };
}
