import { parse } from "yaml";
import { z } from "zod";

const names = z
  .union([z.string().transform((name) => [name]), z.array(z.string())])
  .nullish()
  .catch(null);

const ModelCard = z.looseObject({
  license: names,
  license_name: z.string().nullish().catch(null),
  base_model: names,
  tags: names,
});

export interface ModelCard {
  /** The licence's id or name. */
  licence: string | undefined;
  baseModel: string | undefined;
  tags: string[];
}

/** What the YAML at the top of a README says about a model. */
export function readModelCard(readme: string): ModelCard {
  const yaml = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme)?.[1] ?? "";
  const parsed = ModelCard.safeParse(parsedYaml(yaml));
  if (!parsed.success) return { licence: undefined, baseModel: undefined, tags: [] };
  const { license, license_name, base_model, tags } = parsed.data;
  const licence = license?.[0] === "other" ? (license_name ?? "other") : license?.[0];
  return { licence: licence ?? license_name ?? undefined, baseModel: base_model?.[0], tags: tags ?? [] };
}

function parsedYaml(yaml: string): unknown {
  try {
    return parse(yaml);
  } catch {
    return undefined; // a card that its author wrote wrongly tells nothing
  }
}
