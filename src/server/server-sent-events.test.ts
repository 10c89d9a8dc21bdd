import { expect, test } from "vitest";
import { UserError } from "../protocol/user-error.ts";
import { eventStream } from "./server-sent-events.ts";

const signal = new AbortController().signal;
const contextWith = (onBug: (error: unknown) => void) => ({ onBug });

async function told(error: Error): Promise<{ text: string; bugs: unknown[] }> {
  const bugs: unknown[] = [];
  const response = eventStream(
    contextWith((bug) => bugs.push(bug)),
    {
      signal,
      async *values() {
        yield "a";
        throw error;
      },
      failure: (body) => `|${body.error.code}`,
    },
  );
  return { text: await response.text(), bugs };
}

test("a stream that breaks ends with what is wrong, and bugs are told to the server", async () => {
  expect(await told(new UserError("engine/crashed", { reason: "SIGKILL" }))).toEqual({
    text: "a|engine/crashed",
    bugs: [],
  });
  const bug = new Error("broken");
  expect(await told(bug)).toEqual({ text: "a|internal", bugs: [bug] });
});

test("a client that goes away aborts what is made for it", async () => {
  let aborted = false;
  const response = eventStream(
    contextWith(() => {}),
    {
      signal,
      async *values(ends) {
        ends.addEventListener("abort", () => {
          aborted = true;
        });
        yield "a";
        yield "b";
      },
      failure: () => "",
    },
  );
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  expect(aborted).toBe(true);
});
