import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";

/**
 * Connections through the proxy of the environment, where there is one: fetch of Node 20 knows no HTTPS_PROXY, and its time-outs
 * cannot be chosen.
 * @param stallMs for connecting, for the head of an answer, and between its pieces
 */
export function dispatcherFor(stallMs: number): Dispatcher {
  const options = { connect: { timeout: stallMs }, headersTimeout: stallMs, bodyTimeout: stallMs, allowH2: false };
  const names = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"];
  return names.some((name) => process.env[name]) ? new EnvHttpProxyAgent(options) : new Agent(options);
}
