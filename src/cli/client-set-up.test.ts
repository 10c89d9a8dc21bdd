import { expect, test } from "vitest";
import { clientSetUp } from "./client-set-up.ts";

const local = { host: "127.0.0.1", port: 8080, hasKey: false };

test("the model that answers by default comes first, adapters under its name", () => {
  const names = { defaultName: "M", adapterNames: ["a", "b"], names: () => ["M", "other"] };
  expect(clientSetUp({ ...names, defaultAdapter: "" }, local).models).toEqual(["M", "M:a", "M:b"]);
  const tuned = clientSetUp({ ...names, defaultAdapter: "b" }, local);
  expect(tuned.models).toEqual(["M:b", "M", "M:a"]);
  expect(tuned.curl).toContain('"model":"M:b"');
});

test("a server without a model of its own names those that were downloaded", () => {
  const names = { defaultName: "", defaultAdapter: "", adapterNames: [] };
  expect(clientSetUp({ ...names, names: () => ["x/y"] }, local).models).toEqual(["x/y"]);
  expect(clientSetUp({ ...names, names: () => [] }, local).models).toEqual(["ORG/NAME"]);
});

test("an open server is reached at this machine's own address, with the key that it asks for", () => {
  const names = { defaultName: "it's", defaultAdapter: "", adapterNames: [], names: () => [] };
  const { url, curl, isOpen } = clientSetUp(names, { host: "0.0.0.0", port: 80, hasKey: true });
  expect({ url, isOpen }).toEqual({ url: "http://127.0.0.1:80", isOpen: true });
  expect(curl).toContain('-H "Authorization: Bearer $CYGNET_API_KEY"');
  expect(curl).toContain("it'\\''s");
  expect(clientSetUp(names, { ...local, host: "::1" }).url).toBe("http://[::1]:8080");
});
