import { TrainConfig } from "../../tuner/config.ts";
import { resolveTrainConfig } from "../../tuner/resolve-config.ts";
import { commandWithFile } from "../command.ts";

/** `cygnet train`: a run from a config file and flags; with `--json` its events, one a line. */
export const train = commandWithFile({
  config: TrainConfig,
  resolve: resolveTrainConfig,
  run: async (config, ui) => (await import("../actions/train.ts")).train(config, ui),
});
