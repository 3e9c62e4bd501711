/** Keeps web pages away from the socket: what a browser sends across sites is refused before it is looked at. */
import type { IncomingHttpHeaders } from "node:http";
import { BerthError } from "../lib/error.ts";

/** Throws for a request that a web page of another origin made, or that came by a name which is not ours. */
export function requireTrustedCaller(headers: IncomingHttpHeaders): void {
  const host = headers.host ?? "";
  if (!isLocalHost(host))
    throw refused(`the Host header names ${JSON.stringify(host)}, which is not this engine`);
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none")
    throw refused("it comes from a web page of another site");
  if (headers.origin !== undefined && !isOriginOf(host, headers.origin))
    throw refused(`it comes from a web page of ${JSON.stringify(headers.origin)}`);
}

function refused(why: string): BerthError {
  return new BerthError("unauthorized", `request refused: ${why}`);
}

/**
 * Clients put anything into Host on a unix socket: `docker`, `localhost:2375`, the path of the socket in hex or
 * percent signs. What a page could make a browser send after DNS rebinding is a public name, and that has dots.
 */
function isLocalHost(host: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return (
    !name.includes(".") || name.startsWith("%2f") || /\.(localhost|sock)$/.test(name) || isLoopback(name)
  );
}

function isLoopback(name: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(name) || name === "0.0.0.0";
}

/** Websocket libraries name the host they connect to as the origin; so does a page that this engine serves. */
function isOriginOf(host: string, origin: string): boolean {
  return host !== "" && (origin === `http://${host}` || origin === `https://${host}`);
}
