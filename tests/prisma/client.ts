// The real Prisma client, generated from docs/operate/schema.prisma as a host would do it.
import { execFile } from "node:child_process";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { repository } from "../lib/index.js";

const run = promisify(execFile);
const here = join(repository, "tests/prisma");

/** What these tests use of a generated client; its own types come into being only when it is generated. */
// biome-ignore lint/suspicious/noExplicitAny: the generated module is not there when types are checked
export type Client = any;

/** Generates the client; `prisma generate` needs no engine, but looks for one. */
export async function generate(): Promise<(url: string) => Promise<Client>> {
  await mkdir(join(here, "generated/schema"), { recursive: true });
  await copyFile(join(repository, "docs/operate/schema.prisma"), join(here, "generated/schema/schema.prisma"));
  const env = {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true",
    CHECKPOINT_DISABLE: "1",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
  };
  await run(
    process.execPath,
    [join(here, "node_modules/prisma/build/index.js"), "generate", "--schema", "generated/schema/schema.prisma"],
    { cwd: here, env },
  );
  const generated = join(here, "generated/generated/prisma/client.ts");
  const adapter = join(here, "node_modules/@prisma/adapter-pg/dist/index.mjs");
  const { PrismaClient } = await import(generated);
  const { PrismaPg } = await import(adapter);
  return async (url) => new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
}
