/** Requests to one engine: connections are kept alive and used again; a bad status is a BerthError in docker's words. */
import { BerthError, type ErrorCode } from "../lib/error.ts";
import { type Body, Connection, type Request, type Response } from "./connection.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined | readonly string[]>>;

export interface Options {
  readonly query?: Query | undefined;
  readonly body?: Body | undefined;
  /** What the body is; JSON when it is text. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A connection that was taken over: raw bytes both ways. */
export interface Hijacked {
  /** `application/vnd.docker.raw-stream` or the multiplexed one. */
  readonly type: string | undefined;
  readonly output: AsyncGenerator<Uint8Array, void>;
  write(bytes: Uint8Array): Promise<boolean>;
  closeInput(): void;
  close(): void;
}

export class Transport {
  readonly socket: string;
  readonly #idle: Connection[] = [];
  /** Idle or at work. */
  readonly #open = new Set<Connection>();

  constructor(socket: string, first?: Connection) {
    this.socket = socket;
    if (first === undefined) return;
    this.#idle.push(first);
    this.#open.add(first);
  }

  /** Ends all that is at work. */
  close(): void {
    for (const connection of this.#open) connection.close();
  }

  /** The answer as JSON. */
  async json<T>(method: Request["method"], path: string, options: Options = {}): Promise<T> {
    const text = await this.text(method, path, options);
    return JSON.parse(text === "" ? "null" : text) as T;
  }

  async text(method: Request["method"], path: string, options: Options = {}): Promise<string> {
    return await readText((await this.stream(method, path, options)).body);
  }

  /** The head, checked, and the body as it comes. */
  async stream(method: Request["method"], path: string, options: Options = {}): Promise<Response> {
    const { connection, response } = await this.#exchange(toRequest(method, path, options));
    if (response.status >= 400) throw await errorOf(response);
    return { ...response, body: this.#giveBack(connection, response.body) };
  }

  /** Asks for a raw connection. The engine may answer with an error instead, which is thrown. */
  async hijack(path: string, options: Options = {}): Promise<Hijacked> {
    const headers = { Connection: "Upgrade", Upgrade: "tcp", ...options.headers };
    const { connection, response } = await this.#exchange(toRequest("POST", path, { ...options, headers }));
    if (response.status >= 400) throw await errorOf(response);
    return {
      type: response.headers.get("content-type"),
      output: connection.output(),
      write: (bytes) => connection.write(bytes),
      closeInput: () => connection.closeInput(),
      close: () => this.#end(connection),
    };
  }

  async #exchange(request: Request): Promise<{ connection: Connection; response: Response }> {
    const kept = this.#takeIdle();
    const answer = await kept?.send(request);
    if (kept !== undefined && answer !== undefined) return { connection: kept, response: answer };
    // A kept connection may have been closed meanwhile: once more, unless the body has been read already.
    if (kept !== undefined && isStream(request.body)) throw noAnswer();
    const connection = await Connection.open(this.socket);
    if (connection === undefined) throw nobodyListens(this.socket);
    this.#open.add(connection);
    const response = await connection.send(request);
    if (response === undefined) throw noAnswer();
    return { connection, response };
  }

  #takeIdle(): Connection | undefined {
    let kept = this.#idle.pop();
    while (kept !== undefined && !kept.usable) kept = this.#idle.pop();
    return kept;
  }

  /** The connection can be used again when the body was read to its end. */
  async *#giveBack(connection: Connection, body: Response["body"]): AsyncGenerator<Uint8Array, void> {
    let whole = false;
    try {
      yield* body;
      whole = true;
    } finally {
      if (whole && connection.usable) this.#idle.push(connection);
      else this.#end(connection);
    }
  }

  #end(connection: Connection): void {
    connection.close();
    this.#open.delete(connection);
  }
}

export function nobodyListens(socket: string): BerthError {
  return new BerthError(
    "unavailable",
    `Cannot connect to the berth engine at unix://${socket}. Is it running?`,
  );
}

function noAnswer(): BerthError {
  return new BerthError("unavailable", "the engine ended the connection without an answer");
}

export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** `?a=1&b=x`; what is undefined, empty or false is left out; a list is repeated. */
export function formatQuery(query: Query = {}): string {
  const parts = Object.entries(query).flatMap(([name, value]) => {
    if (typeof value === "object") return value.map((one) => `${name}=${encodeURIComponent(one)}`);
    if (value === undefined || value === "" || value === false) return [];
    return [`${name}=${encodeURIComponent(value === true ? "1" : String(value))}`];
  });
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function toRequest(method: Request["method"], path: string, options: Options): Request {
  const { body, query, type = "application/json" } = options;
  const headers = { ...(body === undefined ? {} : { "Content-Type": type }), ...options.headers };
  return { method, path: path + formatQuery(query), headers, body };
}

function isStream(body: Body | undefined): boolean {
  return body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array);
}

/** Docker's client puts the same words before what the engine says (moby client/request.go). */
async function errorOf(response: Response): Promise<BerthError> {
  const message = messageIn(await readText(response.body));
  const known = CODES.find((code) => code === response.headers.get("berth-error-code"));
  return new BerthError(known ?? codeOf(response.status), `Error response from daemon: ${message}`);
}

function messageIn(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) return String(parsed.message);
  } catch {
    // an answer from something in between: its text is all there is
  }
  return text.trim();
}

/** What berth's own engine says in a header; docker's has only the status. */
const CODES: readonly ErrorCode[] = [
  "invalid",
  "unauthorized",
  "not_found",
  "conflict",
  "not_modified",
  "unsupported",
  "command_not_found",
  "command_not_executable",
  "no_space",
  "unavailable",
  "corrupt",
  "internal",
];

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid",
  401: "unauthorized",
  403: "unauthorized",
  404: "not_found",
  409: "conflict",
  501: "unsupported",
  503: "unavailable",
  507: "no_space",
};

function codeOf(status: number): ErrorCode {
  return STATUS_CODES[status] ?? "internal";
}
