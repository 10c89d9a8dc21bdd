import { expect, test } from "vitest";
import { EventStreamParser } from "./event-stream-parser.ts";

function parse(chunks: readonly Uint8Array[]): string[] {
  const parser = new EventStreamParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

const stream =
  'data: {"a":"鹅🦢"}\n\n: ping\n\nevent: x\r\nid: 1\r\ndata:two\r\ndata: lines\r\n\r\ndata: 3\r\rdata: [DONE]\n\n';
const events = ['{"a":"鹅🦢"}', "two\nlines", "3", "[DONE]"];
const bytes = new TextEncoder().encode(stream);

test("every way to cut a stream in two, and in single bytes, gives the same events", () => {
  for (let at = 0; at <= bytes.length; at++) {
    expect(parse([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(events);
  }
  expect(parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
});

test("every way to cut a stream in three gives the same events", () => {
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const parts = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      expect(parse(parts)).toEqual(events);
    }
  }
});

test("an event is given as soon as its empty line is there", () => {
  const parser = new EventStreamParser();
  expect(parser.push(new TextEncoder().encode("data: 1\n"))).toEqual([]);
  expect(parser.push(new TextEncoder().encode("\n"))).toEqual(["1"]);
});

test("a last event without an empty line counts, and a stream without events gives none", () => {
  expect(parse([new TextEncoder().encode("data: 1\n\ndata: [DONE]")])).toEqual(["1", "[DONE]"]);
  expect(parse([new TextEncoder().encode(": only comments\n\n")])).toEqual([]);
});
