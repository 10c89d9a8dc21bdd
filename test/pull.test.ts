import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cygnetStarted, type Finished, folderWith, toys } from "./command-line.ts";
import { type HubRepository, HubServer } from "./hub-server.ts";

let server: HubServer;
let home = "";

beforeEach(async () => {
  server = await HubServer.start();
  home = folderWith({});
});
afterEach(() => server.stop());

function start(args: readonly string[], env: Record<string, string> = {}) {
  return cygnetStarted(args, { cwd: home, env: { ...server.environment(home), ...env } });
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return start(args, env).finished;
}

/** A model with weights of this size that no program could load, and what else such repositories have. */
function bulky(name: string, size: number): HubRepository {
  return {
    name,
    files: {
      "config.json": '{"model_type":"qwen3"}',
      "tokenizer.json": "{}",
      "README.md": "---\nlicense: mit\n---\n",
      "model.safetensors": randomBytes(size),
      "pytorch_model.bin": randomBytes(2000),
      "onnx/model.onnx": randomBytes(2000),
      ".gitattributes": "x",
    },
  };
}

/** A small model that loads. */
function toy(name: string): HubRepository {
  const folder = join(toys, "qwen3");
  const names = readdirSync(folder).filter((file) => lstatSync(join(folder, file)).isFile());
  return { name, files: Object.fromEntries(names.map((file) => [file, readFileSync(join(folder, file))])) };
}

const hfFolder = (name: string) => join(home, "huggingface/hub", `models--${name.replace("/", "--")}`);
const msFolder = (name: string) => join(home, "modelscope/models", name.replace("/", "--"), "snapshots/master");
const weightsOf = ({ files }: HubRepository) => Buffer.from(files["model.safetensors"] ?? "");
const partials = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((p) => p.endsWith(".incomplete"))
    : [];

function addModel(repository: HubRepository): HubRepository {
  server.repositories.push(repository);
  return repository;
}

describe("Hugging Face", () => {
  test("a pull fills the cache as huggingface_hub does, with what is needed only, and a second one downloads nothing", async () => {
    const model = addModel(bulky("org/plain", 100_000));
    const first = await run(["pull", "org/plain", "--json"]);
    expect(first.status, first.stderr).toBe(0);
    const folder = hfFolder("org/plain");
    const commit = server.commitOf(model);
    expect(JSON.parse(first.stdout)).toMatchObject({ commit, folder: join(folder, "snapshots", commit) });
    const snapshot = join(folder, "snapshots", commit);
    expect(readdirSync(snapshot).sort()).toEqual(["README.md", "config.json", "model.safetensors", "tokenizer.json"]);
    const sha256 = createHash("sha256").update(weightsOf(model)).digest("hex");
    expect(readlinkSync(join(snapshot, "model.safetensors"))).toBe(`../../blobs/${sha256}`);
    expect(readFileSync(join(snapshot, "model.safetensors"))).toEqual(weightsOf(model));
    expect(readFileSync(join(folder, "refs/main"), "utf8")).toBe(commit);

    server.forget();
    const second = await run(["pull", "org/plain"]);
    expect(second.status).toBe(0);
    expect(second.stderr).toContain("nothing to download");
    expect(server.requests.filter(({ url }) => url.includes("/resolve/"))).toEqual([]);
  });

  test("the token goes to the hub and never to the storage host, and is not printed", async () => {
    addModel({ ...bulky("org/private", 5000), token: "secret-token" });
    const { status, stdout, stderr } = await run(["pull", "org/private"], { HF_TOKEN: "secret-token" });
    expect(status, stderr).toBe(0);
    expect(stdout + stderr).not.toContain("secret-token");
    const hosts = server.requests.map(({ host, authorization }) => [host, authorization !== undefined].join());
    expect(new Set(hosts)).toEqual(new Set(["hub,true", "storage,false"]));
  });

  test("a token that hf auth login saved is used", async () => {
    addModel({ ...bulky("org/private", 5000), token: "saved" });
    mkdirSync(join(home, "huggingface"));
    writeFileSync(join(home, "huggingface/token"), "saved\n");
    expect((await run(["pull", "org/private"])).status).toBe(0);
  });

  test("a cut connection goes on where it was", async () => {
    const model = addModel(bulky("org/cut", 300_000));
    server.faults.push({ path: "model.safetensors", times: 2, cutAfter: 100_000 });
    const { status, stderr } = await run(["pull", "org/cut"]);
    expect(status, stderr).toBe(0);
    const ranges = server.fileRequests("model.safetensors").filter(({ host }) => host === "storage");
    expect(ranges.map(({ range }) => range)).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
    const snapshot = join(hfFolder("org/cut"), "snapshots", server.commitOf(model));
    expect(readFileSync(join(snapshot, "model.safetensors"))).toEqual(weightsOf(model));
  });

  test("a connection that says nothing counts as cut", async () => {
    addModel(bulky("org/stall", 300_000));
    server.faults.push({ path: "model.safetensors", times: 1, stallAfter: 50_000 });
    const { status, stderr } = await run(["pull", "org/stall"]);
    expect(status, stderr).toBe(0);
    expect(server.fileRequests("model.safetensors").at(-1)?.range).toBe("bytes=50000-");
  });

  test("after kill -9 nothing is taken for a model, and the next pull goes on", async () => {
    const model = addModel(bulky("org/killed", 400_000));
    server.bytesPerSecond = 100_000;
    const first = start(["pull", "org/killed"]);
    while (server.fileRequests("model.safetensors").length === 0) await sleep(50);
    await sleep(1500);
    first.child.kill("SIGKILL");
    await first.finished;
    const folder = hfFolder("org/killed");
    expect(partials(folder)).toHaveLength(1);
    expect(existsSync(join(folder, "snapshots", server.commitOf(model), "config.json"))).toBe(false);
    const offline = await run(["generate", "--model", "org/killed", "--offline"]);
    expect(offline.status).toBe(2);
    expect(offline.stderr).toContain("missing: config.json, model.safetensors");
    expect(offline.stderr).toContain("cygnet pull org/killed");

    server.bytesPerSecond = 0;
    server.forget();
    const second = await run(["pull", "org/killed", "--json"]);
    expect(second.status, second.stderr).toBe(0);
    const range = server.fileRequests("model.safetensors").at(-1)?.range ?? "";
    expect(Number(/bytes=(\d+)-/.exec(range)?.[1])).toBeGreaterThan(50_000);
    expect(partials(folder)).toEqual([]);
  });

  test("Ctrl-C keeps what came", async () => {
    addModel(bulky("org/stopped", 400_000));
    server.bytesPerSecond = 100_000;
    const first = start(["pull", "org/stopped"]);
    while (server.fileRequests("model.safetensors").length === 0) await sleep(50);
    await sleep(700);
    first.child.kill("SIGINT");
    const { status, stderr } = await first.finished;
    expect(status).toBe(130);
    expect(stderr).toContain("Stopped");
    expect(partials(hfFolder("org/stopped"))).toHaveLength(1);
  });

  test("two pulls at once share the work and end with one whole copy", async () => {
    const model = addModel(bulky("org/twice", 400_000));
    server.bytesPerSecond = 200_000;
    const [one, two] = await Promise.all([run(["pull", "org/twice"]), run(["pull", "org/twice"])]);
    expect([one.status, two.status], one.stderr + two.stderr).toEqual([0, 0]);
    expect(server.fileRequests("model.safetensors").filter(({ host }) => host === "storage")).toHaveLength(1);
    const snapshot = join(hfFolder("org/twice"), "snapshots", server.commitOf(model));
    expect(readFileSync(join(snapshot, "model.safetensors"))).toEqual(weightsOf(model));
    expect(partials(hfFolder("org/twice"))).toEqual([]);
  });

  test("content that does not match its checksum is fetched again, and refused the second time", async () => {
    const model = addModel(bulky("org/wrong", 50_000));
    server.faults.push({ path: "model.safetensors", times: 1, corrupt: true });
    expect((await run(["pull", "org/wrong"])).status).toBe(0);
    const other = addModel({ ...bulky("org/worse", 50_000) });
    server.faults.push({ path: "model.safetensors", times: 9, corrupt: true });
    const { status, stderr } = await run(["pull", "org/worse"]);
    expect(status).toBe(2);
    expect(stderr).toContain("checksum");
    expect(existsSync(join(hfFolder("org/worse"), "snapshots", server.commitOf(other), "config.json"))).toBe(false);
    expect(partials(hfFolder("org/worse"))).toEqual([]);
    expect(model.name).toBe("org/wrong");
  });

  test("a small file is checked too", async () => {
    addModel(bulky("org/small", 2000));
    server.faults.push({ path: "tokenizer.json", times: 9, corrupt: true });
    const { status, stderr } = await run(["pull", "org/small"]);
    expect(status).toBe(2);
    expect(stderr).toContain("tokenizer.json");
  });

  test("429 with Retry-After is waited for", async () => {
    addModel(bulky("org/busy", 2000));
    server.faults.push({ path: "tokenizer.json", times: 1, status: 429, retryAfter: 1 });
    const { status, stderr } = await run(["pull", "org/busy"]);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain("asks to wait 1 s");
  });

  test("a wait that is too long ends with a message", async () => {
    addModel(bulky("org/busy", 2000));
    server.faults.push({ path: "tokenizer.json", times: 1, status: 429, retryAfter: 4000 });
    const { status, stderr } = await run(["pull", "org/busy"]);
    expect(status).toBe(2);
    expect(stderr).toContain("4000 s");
  });

  test("an expired address of the storage host is asked for again", async () => {
    addModel(bulky("org/expired", 5000));
    server.faults.push({ path: "model.safetensors", times: 1, status: 403 });
    expect((await run(["pull", "org/expired"])).status).toBe(0);
  });

  test.each([
    ["without a token", {}],
    ["with a token of someone who has not accepted", { HF_TOKEN: "other" }],
  ])("gated %s: where to accept, and how to give a token", async (_name, env) => {
    addModel({ ...bulky("meta/gated", 2000), gated: true });
    const { status, stderr } = await run(["pull", "meta/gated"], env);
    expect((await run(["models", "list", "--json"])).stdout).toBe("[]\n");
    expect(status).toBe(2);
    expect(stderr).toContain("https://huggingface.co/meta/gated");
    expect(stderr).toContain("https://huggingface.co/settings/tokens");
    expect(stderr).toContain("HF_TOKEN");
  });

  test.each([
    ["a name that is not there", ["pull", "org/nothing"], {}, ["org/nothing", "private"]],
    [
      "the same with a token",
      ["pull", "org/nothing"],
      { HF_TOKEN: "x" },
      ["no model of this name", "--hub modelscope"],
    ],
    ["no ORG", ["pull", "nothing"], {}, ["ORG/NAME"]],
    ["a revision that is not there", ["pull", "org/here", "--revision", "v9"], {}, ["v9"]],
    ["a wrong CYGNET_HUB", ["pull", "org/here"], { CYGNET_HUB: "github" }, ["CYGNET_HUB", "hf and modelscope"]],
    [
      "a hub that is not there",
      ["pull", "org/here"],
      { HF_ENDPOINT: "http://127.0.0.1:9" },
      ["127.0.0.1:9: the host refuses connections (ECONNREFUSED)", "HTTPS_PROXY"],
    ],
    ["an address that is none", ["pull", "org/here"], { HF_ENDPOINT: "hf mirror" }, ["HF_ENDPOINT", "hf-mirror.com"]],
    [
      "a data set without --dataset",
      ["pull", "org/rows"],
      {},
      ["cygnet pull org/rows --dataset", "(mirror 127.0.0.1:"],
    ],
    ["a model without ORG", ["generate", "--model", "here"], {}, ["no folder here", "ORG/NAME", "models recommend"]],
    ["a file in place of a model", ["generate", "--model", "model.bin"], {}, ["model.bin is a file"]],
    ["a GGUF file that is cut short", ["generate", "--model", "model.gguf"], {}, ["model.gguf is damaged at byte 4"]],
  ])(
    "%s",
    async (_name, args, env, says) => {
      addModel(bulky("org/here", 2000));
      for (const name of ["model.bin", "model.gguf"]) writeFileSync(join(home, name), "GGUF");
      const { status, stderr } = await run(args, env);
      expect(status, stderr).toBe(2);
      for (const text of says) expect(stderr).toContain(text);
      expect(stderr).not.toMatch(/^\s+at /m);
    },
    90_000,
  );

  test("a model that has only pytorch_model.bin is explained", async () => {
    addModel({ name: "old/bin", files: { "config.json": "{}", "pytorch_model.bin": randomBytes(2000) } });
    const { status, stderr } = await run(["pull", "old/bin"]);
    expect(status).toBe(2);
    expect(stderr).toContain("pytorch_model.bin");
    expect(stderr).toContain("safetensors");
  });

  test("a path that leads out of the folder is refused", async () => {
    addModel({ name: "bad/path", files: { ...bulky("x/y", 2000).files, "../../evil.json": "{}" } });
    const { status, stderr } = await run(["pull", "bad/path"]);
    expect(status).toBe(2);
    expect(stderr).toContain("evil.json");
    expect(existsSync(join(home, "huggingface"))).toBe(false);
  });

  test("a model that Cygnet cannot use is told before its weights come, and no other command downloads it", async () => {
    const model = addModel(bulky("org/foreign", 5000));
    model.files["config.json"] = '{"model_type":"mamba9"}';
    const generated = await run(["generate", "--model", "org/foreign"]);
    expect(generated.status).toBe(2);
    expect(generated.stderr).toContain("mamba9");
    expect(server.fileRequests("model.safetensors")).toEqual([]);
    const { status, stderr } = await run(["pull", "org/foreign"]);
    expect(status).toBe(0);
    expect(stderr.indexOf("mamba9")).toBeLessThan(stderr.indexOf("Downloading"));
  });

  test("--include takes other files", async () => {
    const model = addModel(bulky("org/extra", 2000));
    expect((await run(["pull", "org/extra", "--include", "*.bin", "onnx/*"])).status).toBe(0);
    const snapshot = join(hfFolder("org/extra"), "snapshots", server.commitOf(model));
    expect(readdirSync(snapshot, { recursive: true }).sort()).toEqual(["onnx", "onnx/model.onnx", "pytorch_model.bin"]);
  });

  test("--include adds to a copy and does not take it apart", async () => {
    const model = addModel(bulky("org/more", 5000));
    await run(["pull", "org/more"]);
    expect((await run(["pull", "org/more", "--include", "*.bin"])).status).toBe(0);
    const snapshot = join(hfFolder("org/more"), "snapshots", server.commitOf(model));
    expect(readdirSync(snapshot)).toEqual(expect.arrayContaining(["config.json", "pytorch_model.bin"]));
  });

  test("what Python downloaded stays usable while the rest of it comes", async () => {
    const model = addModel(bulky("org/part", 5000));
    await run(["pull", "org/part"]);
    const snapshot = join(hfFolder("org/part"), "snapshots", server.commitOf(model));
    rmSync(realpathSync(join(snapshot, "README.md")));
    rmSync(join(snapshot, "README.md"));
    server.faults.push({ path: "README.md", times: 1, status: 429, retryAfter: 4000 });
    expect((await run(["pull", "org/part"])).status).toBe(2);
    expect(existsSync(join(snapshot, "config.json"))).toBe(true);
  });

  test("a proxy is used", async () => {
    addModel(bulky("org/proxied", 5000));
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      const [host = "", port = ""] = (request.url ?? "").split(":");
      const target = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(target).pipe(socket);
      });
      for (const each of [socket, target]) each.on("error", () => {});
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", () => listening()));
    const address = proxy.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { status, stderr } = await run(["pull", "org/proxied"], {
      HTTP_PROXY: `http://127.0.0.1:${port}`,
      NO_PROXY: "",
    });
    proxy.closeAllConnections();
    proxy.close();
    expect(status, stderr).toBe(0);
    expect(new Set(asked).size).toBe(2); // the hub and its storage
  });

  test("HF_HUB_OFFLINE holds for pull too", async () => {
    const { status, stderr } = await run(["pull", "org/any"], { HF_HUB_OFFLINE: "1" });
    expect(status).toBe(2);
    expect(stderr).toContain("HF_HUB_OFFLINE");
    expect(server.requests).toEqual([]);
  });

  test("an update leaves the older commit in place and moves main", async () => {
    const model = addModel(bulky("org/moves", 5000));
    const before = server.commitOf(model);
    await run(["pull", "org/moves"]);
    model.files["config.json"] = '{"model_type":"qwen3","changed":true}';
    server.forget();
    expect((await run(["pull", "org/moves"])).status).toBe(0);
    const folder = hfFolder("org/moves");
    expect(readFileSync(join(folder, "refs/main"), "utf8")).toBe(server.commitOf(model));
    expect(readdirSync(join(folder, "snapshots"))).toContain(before);
    expect(server.fileRequests("model.safetensors")).toEqual([]);
  });
});

describe("ModelScope", () => {
  test("a pull fills the cache as modelscope does, and a second one downloads nothing", async () => {
    const model = addModel(bulky("org/plain", 100_000));
    const first = await run(["pull", "org/plain", "--hub", "modelscope"]);
    expect(first.status, first.stderr).toBe(0);
    const folder = msFolder("org/plain");
    expect(readdirSync(folder).sort()).toEqual(["README.md", "config.json", "model.safetensors", "tokenizer.json"]);
    expect(lstatSync(join(folder, "model.safetensors")).isSymbolicLink()).toBe(false);
    expect(readFileSync(join(folder, "model.safetensors"))).toEqual(weightsOf(model));
    server.forget();
    const second = await run(["pull", "org/plain"], { CYGNET_HUB: "modelscope" });
    expect(second.stderr).toContain("nothing to download");
    expect(server.requests).toHaveLength(1);
  });

  test("a cut goes on, a changed file is replaced, and meanwhile there is no model", async () => {
    const model = addModel(bulky("org/cut", 300_000));
    server.faults.push({ path: "model.safetensors", times: 1, cutAfter: 100_000 });
    expect((await run(["pull", "org/cut", "--hub", "modelscope"])).status).toBe(0);
    expect(server.fileRequests("model.safetensors").at(-1)?.range).toBe("bytes=100000-");
    model.files["model.safetensors"] = randomBytes(300_000);
    server.faults.push({ path: "model.safetensors", times: 9, corrupt: true });
    expect((await run(["pull", "org/cut", "--hub", "modelscope"])).status).toBe(2);
    expect(existsSync(join(msFolder("org/cut"), "config.json"))).toBe(false);
    server.faults.length = 0;
    expect((await run(["pull", "org/cut", "--hub", "modelscope"])).status).toBe(0);
    expect(readFileSync(join(msFolder("org/cut"), "model.safetensors"))).toEqual(weightsOf(model));
    model.files["model.safetensors"] = randomBytes(300_000);
    expect((await run(["pull", "org/cut", "--hub", "modelscope"])).status).toBe(0);
    expect(readFileSync(join(msFolder("org/cut"), "config.json"), "utf8")).toBe(model.files["config.json"]);
  });

  test("the token goes to the hub only", async () => {
    addModel({ ...bulky("org/private", 5000), token: "ms-secret" });
    const env = { MODELSCOPE_API_TOKEN: "ms-secret" };
    const { status, stderr } = await run(["pull", "org/private", "--hub", "modelscope"], env);
    expect(status, stderr).toBe(0);
    for (const { host, authorization, cookie } of server.requests) {
      expect([authorization, cookie].some(Boolean)).toBe(host === "hub");
    }
  });

  test("a folder of an older modelscope is used", async () => {
    const model = addModel(bulky("org/Old-1.5", 5000));
    const folder = join(home, "modelscope/hub/models/org/Old-1___5");
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of Object.entries(model.files)) {
      if (!name.includes("/")) writeFileSync(join(folder, name), content);
    }
    const { status, stderr } = await run(["pull", "org/Old-1.5", "--hub", "modelscope"]);
    expect(status).toBe(0);
    expect(stderr).toContain("nothing to download");
  });

  test("what is not there, and what is not given", async () => {
    addModel({ ...bulky("org/gated", 2000), gated: true });
    const missing = await run(["pull", "org/nothing", "--hub", "modelscope"]);
    expect(missing.stderr).toContain("https://modelscope.cn/models/org/nothing");
    const gated = await run(["pull", "org/gated", "--hub", "modelscope"]);
    expect(gated.stderr).toContain("MODELSCOPE_API_TOKEN");
    expect([missing.status, gated.status]).toEqual([2, 2]);
  });

  test("a data set of many pages comes whole", async () => {
    const files = Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`part/${i}.jsonl`, `{"text":"${i}"}\n`]));
    server.repositories.push({ kind: "dataset", name: "org/pages", files });
    const { status, stdout } = await run(["pull", "org/pages", "--dataset", "--hub", "modelscope", "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).files).toHaveLength(230);
  });
});

describe("other commands", () => {
  test("generate downloads a model that is not here, then works without the hub", async () => {
    addModel(toy("org/toy"));
    const args = ["generate", "--model", "org/toy", "--prompt", "hello", "--max-tokens", "3", "--json"];
    const first = await run(args);
    expect(first.status, first.stderr).toBe(0);
    await server.stop();
    const second = await run([...args, "--offline"]);
    expect(second.status, second.stderr).toBe(0);
    expect(JSON.parse(second.stdout).token_ids).toEqual(JSON.parse(first.stdout).token_ids);
  });

  test("train takes model and data of a hub, and a folder of that name before them", async () => {
    addModel(toy("org/toy"));
    const rows = '{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}]}\n'.repeat(4);
    server.repositories.push({ kind: "dataset", name: "org/rows", files: { "train.jsonl": rows, "big.parquet": "x" } });
    const args = ["train", "--model", "org/toy", "--data", "org/rows", "--iters", "1", "--num-layers", "2"];
    const { status, stderr } = await run(args);
    expect(status, stderr).toBe(0);
    expect(server.fileRequests("big.parquet")).toEqual([]);
    expect(readFileSync(join(home, "adapters/config.yaml"), "utf8")).toContain("model: org/toy");

    mkdirSync(join(home, "org/rows"), { recursive: true });
    const local = await run(args);
    expect(local.status).toBe(2);
    expect(local.stderr).toContain(join("org/rows", "train.jsonl"));
  });

  test("train looks at the data before it downloads the model", async () => {
    addModel(toy("org/toy"));
    server.repositories.push({ kind: "dataset", name: "org/raw", files: { "rows.csv": "a,b\n1,2\n" } });
    const { status, stderr } = await run(["train", "--model", "org/toy", "--data", "org/raw"]);
    expect(status).toBe(2);
    expect(stderr).toContain("cygnet data convert");
    expect(server.fileRequests("model.safetensors")).toEqual([]);
  });

  test("Ctrl-C while a training run downloads its model", async () => {
    addModel(bulky("org/slow", 400_000));
    server.bytesPerSecond = 100_000;
    const rows = folderWith({ "train.jsonl": '{"text":"x"}\n' });
    const training = start(["train", "--model", "org/slow", "--data", rows]);
    while (server.fileRequests("model.safetensors").length === 0) await sleep(50);
    training.child.kill("SIGINT");
    const { status, stderr } = await training.finished;
    expect(status, stderr).toBe(130);
    expect(stderr).toContain("Stopped");
  });

  test("a name without ORG is known again when it was downloaded, and what was pulled by revision is named so", async () => {
    const model = addModel(toy("org/Toy-1B"));
    const pulled = await run(["pull", "org/Toy-1B", "--revision", server.commitOf(model)]);
    expect(pulled.stderr).toContain(`chat --model org/Toy-1B@${server.commitOf(model)}`);
    const { status, stderr } = await run(["generate", "--model", "toy-1b"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("Did you mean org/Toy-1B?")]);
  });

  test("--offline says what is missing", async () => {
    const { status, stderr } = await run(["generate", "--model", "org/absent", "--offline"]);
    expect(status).toBe(2);
    expect(stderr).toContain("cygnet pull org/absent");
    const env = await run(["generate", "--model", "org/absent"], { HF_HUB_OFFLINE: "1" });
    expect(env.stderr).toBe(stderr);
    expect(server.requests).toEqual([]);
  });

  test("messages are in Chinese where they should be", async () => {
    addModel({ ...bulky("meta/gated", 2000), gated: true });
    const { stderr } = await run(["pull", "meta/gated", "--lang", "zh"]);
    expect(stderr).toContain("使用条款");
    expect(stderr).not.toMatch(/\b(terms|token at|again)\b/);
  });
});
