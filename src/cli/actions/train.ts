import { RunConsumers } from "../../track/consumers.ts";
import type { TrainConfig } from "../../tuner/config.ts";
import { runTraining } from "../../tuner/run.ts";
import { DownloadLine } from "../download-line.ts";
import type { Ui } from "../ui.ts";

export async function train(config: TrainConfig, ui: Ui): Promise<number> {
  const signal = ui.interruption();
  const line = new DownloadLine(ui);
  const consumers = new RunConsumers(config, { write: (text) => ui.tell(text), interactive: ui.interactive });
  try {
    for await (const event of runTraining(config, { signal, download: line.hooks })) {
      line.end();
      consumers.handle(event);
      ui.emit(event);
    }
  } catch (error) {
    // Stopped while the model was downloaded; a run that has begun ends with an event.
    if (!(signal.aborted && error instanceof Error && error.name === "AbortError")) throw error;
    line.end();
    ui.say("pull/stopped", {});
  } finally {
    line.end();
    consumers.close();
  }
  return signal.aborted ? 130 : 0;
}
