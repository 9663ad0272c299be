// A REST client that holds every answer against protocol/openapi.yaml.
import { checkAnswer } from "./contract.js";

export interface RestAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape the contract has checked.
  body: any;
}

export interface RestOptions {
  headers?: Record<string, string>;
  /** Sent as it is instead of JSON. */
  raw?: string | Uint8Array<ArrayBuffer>;
}

export class Rest {
  constructor(
    readonly url: string,
    readonly token: string | null,
  ) {}

  get(path: string, options?: RestOptions) {
    return this.request("GET", path, undefined, options);
  }
  head(path: string, options?: RestOptions) {
    return this.request("HEAD", path, undefined, options);
  }
  post(path: string, body?: unknown, options?: RestOptions) {
    return this.request("POST", path, body, options);
  }
  put(path: string, body?: unknown, options?: RestOptions) {
    return this.request("PUT", path, body, options);
  }
  delete(path: string, options?: RestOptions) {
    return this.request("DELETE", path, undefined, options);
  }

  async request(method: string, path: string, body?: unknown, options: RestOptions = {}): Promise<RestAnswer> {
    const headers: Record<string, string> = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (body !== undefined || options.raw !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(this.url + path, {
      method,
      headers: { ...headers, ...options.headers },
      body: options.raw ?? (body === undefined ? undefined : JSON.stringify(body)),
      redirect: "manual",
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    const parsed = text === "" ? undefined : type.endsWith("json") ? JSON.parse(text) : text;
    if (path.startsWith("/api/") || /^\/(health|ready)z$/.test(path))
      checkAnswer(method, path, { status: response.status, type, body: parsed });
    return { status: response.status, headers: response.headers, body: parsed };
  }
}
