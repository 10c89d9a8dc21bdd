import { RunConsumers } from "../../track/consumers.ts";
import { TrainConfig } from "../../tuner/config.ts";
import { resolveTrainConfig } from "../../tuner/resolve-config.ts";
import { runTraining } from "../../tuner/run.ts";
import { commandWithFile } from "../command.ts";

/** `cygnet train`: a run from a config file and flags; with `--json` its events, one a line. */
export const train = commandWithFile({
  config: TrainConfig,
  resolve: resolveTrainConfig,
  async run(config, ui) {
    const signal = ui.interruption();
    const consumers = new RunConsumers(config, { write: (text) => ui.tell(text), interactive: ui.interactive });
    try {
      for await (const event of runTraining(config, { signal })) {
        consumers.handle(event);
        ui.emit(event);
      }
    } finally {
      consumers.close();
    }
    return signal.aborted ? 130 : 0;
  },
});
