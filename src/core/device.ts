import { native } from "../native/binding.ts";

export type Device = "cpu" | "gpu";

export function defaultDevice(): Device {
  return native.defaultDevice() === "gpu" ? "gpu" : "cpu";
}
export function setDefaultDevice(device: Device): void {
  native.setDefaultDevice(device);
}
export function isAvailable(device: Device): boolean {
  return native.deviceAvailable(device);
}
export function deviceInfo(device: Device): Record<string, string | number> {
  return native.deviceInfo(device);
}
export function mlxVersion(): string {
  return native.mlxVersion();
}
/** Threads of float32 products and of our kernels on a Linux CPU; 0 elsewhere. */
export function cpuThreads(): number {
  return native.cpuThreads();
}
