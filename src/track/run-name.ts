import { randomInt } from "node:crypto";

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The identity that both trackers give a run: eight letters and digits. */
export function randomRunId(): string {
  return Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join("");
}

/** `20260131_235959`, local time, as in the trackers' folder names. */
export function folderTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
