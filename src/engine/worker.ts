// The process that owns the models of a server. It dies with its parent.
import { setImmediate } from "node:timers/promises";
import { Command, EngineOptions, type Report } from "./messages.ts";
import { ModelHost } from "./model-host.ts";

/** While texts are computed, how often their counts are told. */
const statusMs = 1000;

// The parent may be gone; then there is nobody to tell, and `disconnect` ends this process.
const report = (message: Report): void => void process.send?.(message, undefined, undefined, () => {});
const host = new ModelHost(EngineOptions.parse(JSON.parse(process.argv[2] ?? "")), report);
let wake = (): void => {};

process.on("message", (message) => {
  host.handle(Command.parse(message));
  wake();
});
process.on("disconnect", () => process.exit());
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {}); // the parent decides when to end

report({ type: "ready" });
let told = 0;
for (;;) {
  if (host.isIdle) {
    report({ type: "status", status: host.status });
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await host.step();
  if (performance.now() - told > statusMs) {
    told = performance.now();
    report({ type: "status", status: host.status });
  }
  await setImmediate(); // commands that came meanwhile
}
