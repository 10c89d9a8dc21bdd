import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseRepositoryName } from "./repository.ts";
import { chosenHub, hubSettings, isOffline } from "./settings.ts";

test("caches are where the Python tools keep them", () => {
  const cache = (env: Record<string, string>) => hubSettings("hf", env).cacheFolder;
  expect(cache({})).toBe(join(homedir(), ".cache/huggingface/hub"));
  expect(cache({ XDG_CACHE_HOME: "/x" })).toBe("/x/huggingface/hub");
  expect(cache({ HF_HOME: "~/hf" })).toBe(join(homedir(), "hf/hub"));
  expect(cache({ HF_HOME: "/x", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
  expect(cache({ HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" })).toBe("/new");
  expect(hubSettings("modelscope", {}).cacheFolder).toBe(join(homedir(), ".cache/modelscope"));
  expect(hubSettings("modelscope", { MODELSCOPE_CACHE: "/m" }).cacheFolder).toBe("/m");
});

test("endpoints take mirrors, with and without a scheme", () => {
  expect(hubSettings("hf", { HF_ENDPOINT: "https://hf-mirror.com/" }).endpoint).toBe("https://hf-mirror.com");
  expect(hubSettings("hf", { HF_ENDPOINT: "hf-mirror.com" }).endpoint).toBe("https://hf-mirror.com");
  expect(hubSettings("modelscope", { MODELSCOPE_DOMAIN: "www.modelscope.ai" }).endpoint).toBe(
    "https://www.modelscope.ai",
  );
  expect(hubSettings("modelscope", {}).endpoint).toBe("https://modelscope.cn");
});

test("an environment token comes before the saved one", () => {
  const nobody = { HF_HOME: "/nowhere" };
  expect(hubSettings("hf", { ...nobody, HF_TOKEN: " a\n", HUGGING_FACE_HUB_TOKEN: "b" }).token).toBe("a");
  expect(hubSettings("hf", { ...nobody, HF_TOKEN: "", HUGGING_FACE_HUB_TOKEN: "b" }).token).toBe("b");
  expect(hubSettings("hf", nobody).token).toBeUndefined();
});

test("the flag comes before CYGNET_HUB", () => {
  expect(chosenHub(undefined, {})).toBe("hf");
  expect(chosenHub(undefined, { CYGNET_HUB: "modelscope" })).toBe("modelscope");
  expect(chosenHub("hf", { CYGNET_HUB: "modelscope" })).toBe("hf");
  expect(() => chosenHub(undefined, { CYGNET_HUB: "x" })).toThrow("hf and modelscope");
});

test("offline is read as Python reads it", () => {
  expect([isOffline({ HF_HUB_OFFLINE: "1" }), isOffline({ TRANSFORMERS_OFFLINE: "YES" })]).toEqual([true, true]);
  expect([isOffline({}), isOffline({ HF_HUB_OFFLINE: "0" })]).toEqual([false, false]);
});

test.each([
  ["Qwen/Qwen3-0.6B", { name: "Qwen/Qwen3-0.6B", revision: undefined }],
  ["org/name@refs/pr/3", { name: "org/name", revision: "refs/pr/3" }],
  ["./org/name", undefined],
  ["/org/name", undefined],
  ["../name", undefined],
  ["org/../x", undefined],
  ["a/b/c", undefined],
  ["org/na--me", undefined],
  ["name", undefined],
])("%s", (text, parsed) => {
  expect(parseRepositoryName(text)).toEqual(parsed);
});
