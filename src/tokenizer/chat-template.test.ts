import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { hasSharedData, sharedData } from "../../test/shared-data.ts";
import { UserError } from "../protocol/user-error.ts";
import { ChatTemplate } from "./chat-template.ts";
import { ChatMessage } from "./messages.ts";

const Cases = z.object({
  cases: z.record(
    z.string(),
    z.object({
      messages: z.array(ChatMessage),
      tools: z.array(z.unknown()).optional(),
      add_generation_prompt: z.boolean(),
      enable_thinking: z.boolean().optional(),
    }),
  ),
});
const Expected = z.object({
  bos_token: z.string(),
  eos_token: z.string(),
  results: z.record(z.string(), z.union([z.object({ text: z.string() }), z.object({ error: z.string() })])),
});

describe.skipIf(!hasSharedData)("templates of real models", () => {
  const folder = join(sharedData, "chat-templates");
  const names = hasSharedData ? readdirSync(folder).filter((name) => name.endsWith(".jinja")) : [];

  beforeEach(() => void vi.useFakeTimers({ now: new Date(2024, 6, 26, 12) }));
  afterEach(() => void vi.useRealTimers());

  test.each(names)("%s renders as transformers does", (name) => {
    const { cases } = Cases.parse(JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")));
    const expected = Expected.parse(
      JSON.parse(readFileSync(join(folder, "expected", name.replace(".jinja", ".json")), "utf8")),
    );
    const { bos_token, eos_token } = expected;
    const template = new ChatTemplate(readFileSync(join(folder, name), "utf8"), { bos_token, eos_token });
    for (const [key, { messages, tools, add_generation_prompt, ...templateVariables }] of Object.entries(cases)) {
      const want = expected.results[key];
      const render = () =>
        template.render(messages, { tools, addGenerationPrompt: add_generation_prompt, templateVariables });
      if (want && "text" in want) expect(render(), key).toBe(want.text);
      else expect(render, key).toThrow(UserError);
    }
  });

  test.each(names)("%s leaves every conversation open on request, for the model to write on", (name) => {
    const { cases } = Cases.parse(JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")));
    const template = new ChatTemplate(readFileSync(join(folder, name), "utf8"), {
      bos_token: "<s>",
      eos_token: "</s>",
    });
    let continued = 0;
    for (const [key, { messages, tools, add_generation_prompt: _, ...templateVariables }] of Object.entries(cases)) {
      const role = messages.at(-1)?.role;
      const turns = role === "assistant" ? messages : [...messages, { role: "assistant", content: "Well, 好" }];
      const closed = rendered(() => template.render(turns, { tools, templateVariables }));
      if (closed === undefined || typeof turns.at(-1)?.content !== "string") continue;
      const open = template.render(turns, { tools, templateVariables, continueFinalMessage: true });
      expect(closed.startsWith(open), key).toBe(true);
      expect(open.endsWith(String(turns.at(-1)?.content).trimEnd()), key).toBe(true);
      continued++;
    }
    expect(continued).toBeGreaterThan(3);
  });
});

/** What a template makes of a conversation; undefined for one that it refuses. */
function rendered(render: () => string): string | undefined {
  try {
    return render();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

describe("a chat template", () => {
  const template = (source: string) => new ChatTemplate(source, { bos_token: "<s>", eos_token: "</s>" });

  test("that raises or does not parse is an error the user can read", () => {
    expect(() => template("{{ raise_exception('no system turn') }}").render([])).toThrow(/no system turn/);
    expect(() => template("{% if %}").render([])).toThrow(UserError);
  });

  test("writes JSON as Python does, without escapes", () => {
    expect(template("{{ tools | tojson }}").render([], { tools: [{ a: ["北京", 1.5, null, true] }] })).toBe(
      '[{"a": ["北京", 1.5, null, true]}]',
    );
  });

  test("sees undefined values as empty text in string filters, as Jinja2 does", () => {
    expect(template("{{ nothing | trim }}{% if x.y | trim | length %}y{% endif %}|").render([])).toBe("|");
  });

  test("writes English dates whatever the language of the machine", () => {
    vi.useFakeTimers({ now: new Date(2025, 0, 5, 15, 4) });
    expect(template("{{ strftime_now('%d %b %Y %A %H:%M %p') }}").render([])).toBe("05 Jan 2025 Sunday 15:04 PM");
    vi.useRealTimers();
  });

  test("has the reasoning of a message under each of its names", () => {
    const messages = [{ role: "assistant", content: "4", reasoning: "two and two" }];
    expect(template("{{ messages[0].reasoning_content }}|{{ messages[0].thinking }}").render(messages)).toBe(
      "two and two|two and two",
    );
  });

  test("leaves the last message open on request, with its trailing blank unless the template trims", () => {
    const messages = [{ role: "assistant", content: "a b " }];
    const keep = template("{% for m in messages %}[{{ m.content }}]{% endfor %}");
    expect(keep.render(messages, { continueFinalMessage: true })).toBe("[a b ");
    const trim = template("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}");
    expect(trim.render(messages, { continueFinalMessage: true })).toBe("[a b");
    expect(() => template("none").render(messages, { continueFinalMessage: true })).toThrow(/cannot be continued/);
    expect(() => keep.render([], { continueFinalMessage: true })).toThrow(/cannot be continued/);
  });

  test("continues the last text of a message in parts", () => {
    const parts = template("{% for m in messages %}{% for p in m.content %}({{ p.text }}){% endfor %};{% endfor %}");
    const content = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    const open = { continueFinalMessage: true };
    expect(parts.render([{ role: "assistant", content }], open)).toBe("(a)(b");
    const image = [{ role: "assistant", content: [{ type: "image" }] }];
    expect(() => parts.render(image, open)).toThrow(/cannot be continued/);
  });
});
