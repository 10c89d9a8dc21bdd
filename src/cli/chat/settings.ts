import { z } from "zod";
import { expectation } from "../../protocol/fields.ts";
import { nearest } from "../../protocol/nearest.ts";
import { UserError } from "../../protocol/user-error.ts";
import { type ChatConfig, changeable } from "../commands/chat.ts";

const known = Object.keys(changeable.shape);

/** What `/set` alone shows: each setting on a line. */
export function settingsText(config: ChatConfig): string {
  const values = new Map<string, unknown>(Object.entries(config));
  return known.map((key) => `${key} = ${textOf(values.get(key))}\n`).join("");
}

/**
 * The config with one setting changed, as `NAME VALUE` or `NAME=VALUE` says.
 * @throws UserError when there is no such setting, or it does not take this value.
 */
export function withSetting(config: ChatConfig, text: string): { config: ChatConfig; key: string; value: string } {
  const [name = "", value = ""] = text.split(/[\s=]+(.*)/s);
  const key = name.replace(/^--/, "").replaceAll("-", "_");
  const field = new Map(Object.entries(changeable.shape)).get(key);
  if (!field) {
    const meant = nearest(key, known) ?? known.find((each) => key.startsWith(each));
    throw new UserError("chat/unknown-setting", { key, nearest: meant, known });
  }
  const given = value === "" || Number.isNaN(Number(value)) ? value : Number(value);
  const result = z.object({ [key]: field }).safeParse({ [key]: given });
  if (!result.success) throw new UserError("chat/bad-setting", { key, value, expected: expectation(field) });
  return { config: { ...config, ...result.data }, key, value };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
