import { UserError } from "../protocol/user-error.ts";

/** Lists and objects in each other: as many as no request needs, and as all that read them by recursion can bear. */
const mostLevels = 256;

/** A body's JSON. @throws UserError when it is none, or nested too deeply. */
export function parseJsonBody(bytes: ArrayBuffer): unknown {
  const value = parsed(bytes);
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostLevels) throw new UserError("server/too-deep", { most: mostLevels });
    level = level.flatMap((each): unknown[] => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return value;
}

function parsed(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UserError("server/not-json", { reason: error instanceof Error ? error.message : String(error) });
  }
}
