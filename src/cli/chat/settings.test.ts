import { expect, test } from "vitest";
import { ChatConfig } from "../commands/chat.ts";
import { settingsText, withSetting } from "./settings.ts";

const config = ChatConfig.parse({ model: "m", chat_template_config: '{"enable_thinking": false}' });

test("a setting is changed by its name, in the spelling of a flag or of a config, and the others stay", () => {
  expect(withSetting(config, "temp 0.7").config).toEqual({ ...config, temp: 0.7 });
  expect(withSetting(config, "--max-tokens=5").config).toEqual({ ...config, max_tokens: 5 });
  expect(withSetting(config, 'logit_bias {"4": -1}').config).toEqual({ ...config, logit_bias: { "4": -1 } });
  expect(settingsText(withSetting(config, "thinking fold").config)).toContain("thinking = fold\ntemp = 0\n");
});

test("a wrong name is answered with the likely one, a wrong value with what is possible", () => {
  expect(() => withSetting(config, "temperature 1")).toThrow("Did you mean temp?");
  expect(() => withSetting(config, "top-q 1")).toThrow("Did you mean top_p?");
  expect(() => withSetting(config, "model x")).toThrow("Settings: max_tokens");
  expect(() => withSetting(config, "temp hot")).toThrow('temp is "hot": expected a number, at least 0');
  expect(() => withSetting(config, "temp")).toThrow("temp is empty");
});
