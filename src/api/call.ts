/** One request as a handler sees it. */
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { ApiEngine } from "./engine.ts";
import { compareVersions } from "../wire/versions.ts";
import { readJson, uploadOf } from "./body.ts";
import type { Query } from "./query.ts";
import { decodeAs, type Shape } from "./shape.ts";

export class Call {
  readonly engine: ApiEngine;
  readonly request: IncomingMessage;
  /** The API version that the client chose. */
  readonly version: string;
  readonly query: Query;
  readonly #parameters: Readonly<Record<string, string>>;
  readonly #connection: EventEmitter;
  #signal: AbortSignal | undefined;

  constructor(parts: {
    engine: ApiEngine;
    request: IncomingMessage;
    version: string;
    query: Query;
    parameters: Readonly<Record<string, string>>;
    /** Emits `close` when this exchange is over, however it ended. */
    connection: EventEmitter;
  }) {
    this.engine = parts.engine;
    this.request = parts.request;
    this.version = parts.version;
    this.query = parts.query;
    this.#parameters = parts.parameters;
    this.#connection = parts.connection;
  }

  /** Aborts when the client is gone. */
  get signal(): AbortSignal {
    this.#signal ??= abortOnClose(this.#connection);
    return this.#signal;
  }

  /** The part of the path that the pattern calls `{name}`. */
  parameter(name: string): string {
    const value = this.#parameters[name];
    if (value === undefined) throw new Error(`the pattern of the route has no {${name}}`);
    return value;
  }

  /** Whether the client speaks `version` or a later one. */
  since(version: string): boolean {
    return compareVersions(this.version, version) >= 0;
  }

  /** The JSON body, checked against `shape`; undefined when there is none. `T` is the type that `shape` describes. */
  async json<T>(shape: Shape): Promise<T | undefined> {
    const body = await readJson(this.request);
    return body === undefined || body === null ? undefined : (decodeAs(shape, body) as T);
  }

  get upload(): AsyncIterable<Uint8Array> {
    return uploadOf(this.request);
  }
}

function abortOnClose(connection: EventEmitter): AbortSignal {
  const controller = new AbortController();
  connection.once("close", () => controller.abort());
  return controller.signal;
}
