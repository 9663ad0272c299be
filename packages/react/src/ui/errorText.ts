/** What went wrong, in a sentence that says what to do. */
import type { BellwireError } from "@bellwire/client";
import type { Texts } from "./texts.js";

/** The sentence for the error's code; for codes without one, what the error itself says. */
export function errorText(texts: Texts, error: BellwireError): string {
  const known: Record<string, string | undefined> = texts.errors;
  return known[error.code] ?? error.message;
}

/** Of a recording: some codes mean something else there. */
export function recordingErrorText(texts: Texts, error: BellwireError): string {
  const known: Record<string, string | undefined> = texts.recordingErrors;
  return known[error.code] ?? errorText(texts, error);
}
