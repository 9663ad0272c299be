/** The one error of the SDK: whatever goes wrong has a `code` that a program can look at. */
import { ERRORS, type ErrorCode } from "./generated/errors.js";

/** Troubles that arise on this side; the server's own codes are in ErrorCode. */
export type LocalErrorCode =
  | "network"
  | "timeout"
  | "not_connected"
  | "closed"
  | "token_failed"
  | "bad_answer"
  | "not_supported"
  | "permission_denied"
  | "no_microphone"
  | "no_camera"
  | "device_in_use"
  | "device_lost"
  | "media_failed"
  | "device_full"
  | "connection_failed";

export interface BellwireErrorFacts {
  message?: string | undefined;
  /** The member of the request that is wrong. */
  field?: string | undefined;
  status?: number | undefined;
  retryable?: boolean | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

export class BellwireError extends Error {
  override readonly name = "BellwireError";
  readonly code: ErrorCode | LocalErrorCode;
  readonly field: string | undefined;
  readonly status: number | undefined;
  /** The same request may succeed later without being changed. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode | LocalErrorCode, facts: BellwireErrorFacts = {}) {
    super(facts.message ?? code, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.field = facts.field;
    this.status = facts.status;
    this.retryable = facts.retryable ?? (code in ERRORS && ERRORS[code as ErrorCode].retryable);
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** Anything that was thrown, as one of ours. */
  static from(thrown: unknown, code: ErrorCode | LocalErrorCode): BellwireError {
    if (thrown instanceof BellwireError) return thrown;
    return new BellwireError(code, {
      message: thrown instanceof Error ? thrown.message : String(thrown),
      cause: thrown,
    });
  }
}

/** True for the codes of err.def; a newer server may send others. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}
