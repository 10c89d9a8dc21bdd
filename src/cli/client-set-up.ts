import type { Facts } from "../protocol/messages/catalogue.ts";

/** The names that a server's models have. */
interface Names {
  /** Empty where the server was started without a model. */
  defaultName: string;
  /** Empty where requests that name nothing are answered without an adapter. */
  defaultAdapter: string;
  adapterNames: readonly string[];
  names(): string[];
}

/** What the settings of a client ask for, the model that answers by default first. */
export function clientSetUp(
  models: Names,
  { host, port, hasKey }: { host: string; port: number; hasKey: boolean },
): Facts["server/clients"] {
  const isOpen = ["0.0.0.0", "::"].includes(host);
  const reachable = isOpen ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  const url = `http://${reachable}:${port}`;
  const names = namesOf(models);
  const body = JSON.stringify({ model: names[0], messages: [{ role: "user", content: "Hello" }] });
  const curl = [
    `curl ${url}/v1/chat/completions -H 'Content-Type: application/json'`,
    ...(hasKey ? ['-H "Authorization: Bearer $CYGNET_API_KEY"'] : []),
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ].join(" ");
  return { url, models: names, hasKey, isOpen, curl };
}

function namesOf(models: Names): string[] {
  const { defaultName, defaultAdapter, adapterNames } = models;
  const found = defaultName === "" ? models.names() : [];
  if (defaultName === "") return found.length > 0 ? found : ["ORG/NAME"];
  const tuned = (name: string) => `${defaultName}:${name}`;
  if (defaultAdapter === "") return [defaultName, ...adapterNames.map(tuned)];
  const others = adapterNames.filter((name) => name !== defaultAdapter);
  return [tuned(defaultAdapter), defaultName, ...others.map(tuned)];
}
