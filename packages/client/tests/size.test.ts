/** What the SDK adds to a page beside socket.io-client, bundled and compressed as a page would. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, it } from "vitest";

const MAX_BYTES = 25_000;

it(`is smaller than ${MAX_BYTES} bytes`, async () => {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  const result = await build({
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: true,
      lib: { entry, formats: ["es"] },
      rolldownOptions: { external: ["socket.io-client"] },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  const chunks = first && "output" in first ? first.output : [];
  const code = chunks.map((chunk) => ("code" in chunk ? chunk.code : "")).join("");
  const size = gzipSync(code).length;
  console.warn(`note: @bellwire/client is ${size} bytes gzipped`);
  expect(code.length).toBeGreaterThan(10_000); // something was built
  expect(size).toBeLessThan(MAX_BYTES);
}, 30_000);
