import { type Code, catalogue, type Facts, type Text } from "./messages/catalogue.ts";

export type Language = keyof Text;

let current: Language = "en";

/** The language for a locale such as `zh_CN.UTF-8`: Chinese for `zh*`, English for everything else. */
export function languageOf(locale: string | undefined): Language {
  return locale?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function setLanguage(language: Language): void {
  current = language;
}

export function getLanguage(): Language {
  return current;
}

/** The message `code`, told with `facts`, in the current language. */
export function say<C extends Code>(code: C, facts: Facts[C]): string {
  return catalogue[code](facts)[current];
}
