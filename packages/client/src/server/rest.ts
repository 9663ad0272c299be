/** Requests over HTTP: the token in front, problem documents back as errors. */
import { BellwireError, isErrorCode } from "../errors.js";
import type { Problem } from "../generated/api.js";
import type { Platform } from "../platform.js";

export type GetToken = () => string | Promise<string>;

export interface RestRequest {
  method?: "GET" | "POST" | "HEAD" | "PATCH" | "DELETE";
  headers?: Record<string, string>;
  /** Sent as JSON; a form and bytes as they are. */
  body?: object | FormData | ArrayBuffer;
  timeoutMs?: number;
  /** Ends the request, in place of a timeout. */
  signal?: AbortSignal;
  /** Members that are undefined are left out. */
  query?: Record<string, string | number | undefined>;
}

const TIMEOUT_MS = 15_000;

export class Rest {
  readonly #base: string;
  readonly #getToken: GetToken;
  readonly #fetch: Platform["fetch"];

  constructor(base: string, getToken: GetToken, fetch: Platform["fetch"]) {
    this.#base = base.replace(/\/+$/, "");
    this.#getToken = getToken;
    this.#fetch = fetch;
  }

  /** Where a path of the server is. */
  at(path: string): string {
    return this.#base + path;
  }

  /** An expired token is renewed once. */
  async request<T>(path: string, request: RestRequest = {}): Promise<T> {
    const response = await this.send(path, request);
    return response.status === 204 ? (undefined as T) : await jsonOf<T>(response);
  }

  /** The whole answer, for what stands in its head; a refusal is thrown. */
  async send(path: string, request: RestRequest = {}): Promise<Response> {
    try {
      return await this.#once(path, request);
    } catch (thrown) {
      if (!(thrown instanceof BellwireError) || thrown.code !== "token_expired") throw thrown;
      return await this.#once(path, request);
    }
  }

  async #once(path: string, request: RestRequest): Promise<Response> {
    const { method = "GET", body, query, timeoutMs = TIMEOUT_MS, signal = AbortSignal.timeout(timeoutMs) } = request;
    const token = await tokenFrom(this.#getToken);
    const headers: Record<string, string> = {
      authorization: `Bearer ${token}`,
      accept: "application/json",
      ...request.headers,
    };
    const init: RequestInit = { method, headers, signal };
    if (body instanceof FormData || body instanceof ArrayBuffer) {
      init.body = body; // of a form the browser writes the type, with the boundary in it
    } else if (body) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const response = await this.#fetch(this.#base + path + queryText(query), init).catch((thrown: unknown) => {
      const isTimeout = thrown instanceof DOMException && thrown.name === "TimeoutError";
      throw new BellwireError(isTimeout ? "timeout" : "network", { retryable: true, cause: thrown });
    });
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/** The application's token function; what it throws becomes token_failed. */
export async function tokenFrom(getToken: GetToken): Promise<string> {
  try {
    return await getToken();
  } catch (thrown) {
    const message = `getToken failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    throw new BellwireError("token_failed", { message, retryable: true, cause: thrown });
  }
}

function queryText(query: RestRequest["query"] = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value));
  return params.size > 0 ? `?${params}` : "";
}

async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (thrown) {
    throw new BellwireError("bad_answer", { status: response.status, cause: thrown });
  }
}

async function problemOf(response: Response): Promise<BellwireError> {
  const problem: Partial<Problem> = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get("retry-after"));
  return new BellwireError(
    isErrorCode(problem.code) ? problem.code : response.status >= 500 ? "internal" : "bad_request",
    {
      message: problem.detail ?? problem.title ?? `HTTP ${response.status}`,
      field: problem.field,
      status: response.status,
      retryable: problem.retryable ?? response.status >= 500,
      retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : undefined,
    },
  );
}
