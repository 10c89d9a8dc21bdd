import { z } from "zod";
import { command } from "../command.ts";

/** `cygnet models list`: what is in the caches of both hubs. */
export const modelsList = command({
  config: z.object({}),
  run: async (_config, ui) => (await import("../actions/models-list.ts")).modelsList(ui),
});
