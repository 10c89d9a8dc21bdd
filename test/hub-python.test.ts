import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cygnetStarted, folderWith, toys } from "./command-line.ts";
import { HubServer } from "./hub-server.ts";

// Caches shared with Python, run by hand:
//   python3 -m venv .bench/hub && .bench/hub/bin/pip install huggingface_hub==2.4.0 modelscope==1.40.2
//   CYGNET_HUB_PYTHON=.bench/hub/bin/python npx vitest run test/hub-python.test.ts

const python = process.env.CYGNET_HUB_PYTHON;
let server: HubServer;
let home = "";

beforeEach(async () => {
  server = await HubServer.start();
  home = folderWith({});
  const folder = join(toys, "qwen3");
  const isPart = (name: string) => name !== "expected.json" && statSync(join(folder, name)).isFile();
  const names = readdirSync(folder).filter(isPart);
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
  server.repositories.push({ name: "org/Toy-1.5", files });
  server.repositories.push({
    kind: "dataset",
    name: "org/rows",
    files: { "train.jsonl": '{"text":"x"}\n'.repeat(200) },
  });
});
afterEach(() => server.stop());

/** Runs Python code and returns the last line that it printed. */
async function inPython(code: string): Promise<string> {
  const env = { ...process.env, ...server.environment(home), HF_HUB_DISABLE_XET: "1" };
  const child = spawn(python ?? "", ["-c", code], { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const status = await new Promise((done) => child.on("close", done));
  expect(status, err).toBe(0);
  return out.trim().split("\n").at(-1) ?? "";
}

const cygnet = (...args: string[]) => cygnetStarted(args, { env: server.environment(home) }).finished;
const downloads = () =>
  server.requests.filter(({ method, url }) => method === "GET" && /\/resolve\/|FilePath=|signature=/.test(url));

const sides = [
  ["hf", "import huggingface_hub as hub; print(hub.snapshot_download", "repo_type='dataset'"],
  ["modelscope", "import modelscope as hub; print(hub.snapshot_download", "repo_type='dataset'"],
] as const;

describe.skipIf(!python).each(sides)("%s", (hub, download, dataset) => {
  test("what Python downloaded is used", async () => {
    const folder = await inPython(`${download}('org/Toy-1.5'))`);
    await inPython(`${download}('org/rows', ${dataset}))`);
    expect(downloads().length).toBeGreaterThan(0);
    server.forget();
    const pulled = await cygnet("pull", "org/Toy-1.5", "--hub", hub, "--json");
    expect(pulled.status, pulled.stderr).toBe(0);
    expect(JSON.parse(pulled.stdout)).toMatchObject({ folder, downloaded_bytes: 0 });
    const rows = await cygnet("pull", "org/rows", "--dataset", "--hub", hub, "--json");
    expect(JSON.parse(rows.stdout)).toMatchObject({ downloaded_bytes: 0 });
    expect(downloads()).toEqual([]);

    server.forget();
    const offline = await cygnet("generate", "--model", "org/Toy-1.5", "--offline", "--max-tokens", "2");
    expect(offline.status, offline.stderr).toBe(0);
    expect(server.requests).toEqual([]);
  });

  test("what Cygnet downloaded is used by Python, with and without the hub", async () => {
    const pulled = await cygnet("pull", "org/Toy-1.5", "--hub", hub, "--json");
    await cygnet("pull", "org/rows", "--dataset", "--hub", hub);
    const { folder } = JSON.parse(pulled.stdout);
    server.forget();
    expect(await inPython(`${download}('org/Toy-1.5'))`)).toBe(folder);
    await inPython(`${download}('org/rows', ${dataset}))`);
    expect(downloads()).toEqual([]);
    server.forget();
    expect(await inPython(`${download}('org/Toy-1.5', local_files_only=True))`)).toBe(folder);
    expect(server.requests).toEqual([]);
  });
});

test.skipIf(python)("caches shared with Python: set CYGNET_HUB_PYTHON to run this file", () => {});
