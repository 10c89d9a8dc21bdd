import type { z } from "zod";
import { type Field, fieldsOf } from "../protocol/fields.ts";
import { parseArguments } from "./flags.ts";
import type { Ui } from "./ui.ts";
import { type Given, parseValues } from "./values.ts";

type Outcome = Promise<number | undefined> | Promise<void>;

interface Spec<Schema extends z.ZodObject> {
  /** One field, one flag: `batch_size` is `--batch-size`. Nested fields have none. */
  config: Schema;
  /** The field that plain arguments fill, in place of a flag. */
  positional?: keyof Schema["shape"] & string;
}

/** What main.ts calls; returns the exit status. */
export interface Command {
  execute(name: string, args: readonly string[], ui: Ui): Promise<number>;
}

/** A command whose flags are its config. `run` returns the exit status when it is not 0. */
export function command<Schema extends z.ZodObject>(
  spec: Spec<Schema> & { run(config: z.output<Schema>, ui: Ui): Outcome },
): Command {
  return executable(spec, (name, fields, given, ui) =>
    spec.run(parseValues(name, spec.config, fields, given, spec.positional), ui),
  );
}

/** A command that makes its config of the flags that were given, unparsed, and something else, such as a file. */
export function commandWithFile<Schema extends z.ZodObject, Config>(
  spec: Spec<Schema> & { resolve(given: Given): Config; run(config: Config, ui: Ui): Outcome },
): Command {
  return executable(spec, (_name, _fields, given, ui) => spec.run(spec.resolve(given), ui));
}

function executable<Schema extends z.ZodObject>(
  spec: Spec<Schema>,
  run: (name: string, fields: Field[], given: Given, ui: Ui) => Outcome,
): Command {
  return {
    async execute(name, args, ui) {
      const fields = fieldsOf(spec.config);
      const parsed = parseArguments(name, fields, spec.positional, args);
      if (parsed.help !== undefined) {
        process.stdout.write(parsed.help);
        return 0;
      }
      return (await run(name, fields, parsed.given, ui)) ?? 0;
    },
  };
}
