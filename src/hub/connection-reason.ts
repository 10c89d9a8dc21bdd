import { say } from "../protocol/language.ts";
import type { Facts } from "../protocol/messages/catalogue.ts";

type Why = Facts["hub/reason"]["why"];

/** What the system's and the HTTP client's codes mean to a person. */
const meanings: Record<string, Why> = {
  UND_ERR_SOCKET: "closed",
  ECONNRESET: "closed",
  EPIPE: "closed",
  UND_ERR_BODY_TIMEOUT: "silent",
  UND_ERR_HEADERS_TIMEOUT: "silent",
  UND_ERR_CONNECT_TIMEOUT: "silent",
  ETIMEDOUT: "silent",
  ECONNREFUSED: "refused",
  ENOTFOUND: "unknownHost",
  EAI_AGAIN: "unknownHost",
  ENETUNREACH: "noNetwork",
  EHOSTUNREACH: "noNetwork",
  ENETDOWN: "noNetwork",
  CERT_HAS_EXPIRED: "certificate",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate",
};

/** Why a connection failed, in words. */
export function connectionReason(why: Why, detail?: string): string {
  return say("hub/reason", { why, detail });
}

/** The same of an error: in words where its code is known, otherwise as the system says it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const why = meanings[code];
  if (why) return connectionReason(why, code);
  if (error instanceof AggregateError) return [...new Set(error.errors.map(reasonOf))].join("; ");
  if (error.cause instanceof Error) return `${error.message || error.name} (${reasonOf(error.cause)})`;
  return error.message || error.name;
}
