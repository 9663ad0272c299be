// Where things are, seen from the tests.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** The server under test; BELLWIRE_BINARY names another build of it (such as the one with sanitizers). */
export const binary = process.env.BELLWIRE_BINARY ?? join(repository, "build/bellwire");
