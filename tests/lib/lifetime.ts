// What a test opened is closed after it, last opened first, whether it passed or not.
import { afterAll, afterEach } from "vitest";

type Closer = () => unknown;

const ofTest: Closer[] = [];
const ofFile: Closer[] = [];

/** Remembers how to close something: after the running test, or after the whole file. */
export function closeLater(close: Closer, lifetime: "test" | "file" = "test"): void {
  (lifetime === "file" ? ofFile : ofTest).push(close);
}

async function closeAll(closers: Closer[]): Promise<void> {
  const errors: unknown[] = [];
  while (closers.length) {
    try {
      await closers.pop()?.();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length) throw new AggregateError(errors, errors.map(String).join("\n"));
}

afterEach(() => closeAll(ofTest));
afterAll(() => closeAll(ofFile));
