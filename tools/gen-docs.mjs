// Writes the reference of the web packages from their types, or with --check says what is stale or does not compile.
//
//   the types that packages/client and packages/react export   -> docs/reference/*.md
//
// --check also compiles every block of TypeScript in docs/guide that imports something, so that no page shows what is gone.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => readFileSync(join(root, path), "utf8");

const ENTRIES = {
  "@bellwire/client": "packages/client/src/index.ts",
  "@bellwire/client/recording": "packages/client/src/recording/index.ts",
  "@bellwire/client/compat": "packages/client/src/compat/index.ts",
  "@bellwire/react": "packages/react/src/index.ts",
  "@bellwire/react/ui": "packages/react/src/ui/index.ts",
  "@bellwire/react/compat": "packages/react/src/compat/index.ts",
};

const PAGES = {
  "docs/reference/client.md": ["@bellwire/client", "@bellwire/client/recording", "@bellwire/client/compat"],
  "docs/reference/react.md": ["@bellwire/react", "@bellwire/react/ui", "@bellwire/react/compat"],
};

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  jsx: ts.JsxEmit.ReactJSX,
  types: ["node"],
  strict: true,
  skipLibCheck: true,
  declaration: true,
  emitDeclarationOnly: true,
  stripInternal: true,
  rootDir: root,
  outDir: join(root, "types"),
  paths: Object.fromEntries(Object.entries(ENTRIES).map(([name, path]) => [name, [join(root, path)]])),
};

/** The declarations as a user of the packages sees them: file of the source -> name -> text with its comment. */
function declarations(program) {
  const all = new Map();
  program.emit(undefined, (path, text) => {
    const source = join(root, relative(options.outDir, path)).replace(/\.d\.ts$/, "");
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
    const names = new Map();
    for (const statement of file.statements)
      for (const name of namesOf(statement)) names.set(name, [...(names.get(name) ?? []), textOf(statement, file)]);
    all.set(source, names);
  });
  return all;
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map((d) => d.name.getText());
  return statement.name ? [statement.name.getText()] : [];
}

/** Without what concerns a declaration file alone; the first comment of a file is not the first declaration's. */
function textOf(statement, file) {
  const comments = ts.getLeadingCommentRanges(file.text, statement.getFullStart()) ?? [];
  const own = comments.at(-1);
  const isOfFile = own && own.pos === 0 && comments.length === 1 && file.statements[0] === statement;
  const comment = own && !isOfFile ? `${file.text.slice(own.pos, own.end)}\n` : "";
  const code = statement
    .getText()
    .replace(/^export (?:default )?/, "")
    .replace(/^declare /, "")
    .replace(/^ *(?:#private|private [^;]*);\n/gm, "")
    .replace(/^(?: {4})+/gm, (indent) => " ".repeat(indent.length / 2));
  return comment + code;
}

/** What an entry exports, in the order of its own lines. */
function exportsOf(program, path) {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(root, path));
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file));
  return symbols.map((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const [declaration] = target.declarations ?? [];
    const source = declaration?.getSourceFile().fileName.replace(/\.tsx?$/, "");
    return { name: symbol.name, inner: target.name, source };
  });
}

/** The sentence that a source file opens with. */
function opening(path) {
  const [, text = ""] = /^\/\*\*([\s\S]*?)\*\//.exec(read(path)) ?? [];
  return text.replace(/\n \* ?/g, "\n").trim();
}

function page(program, texts, names) {
  const parts = ["<!-- Made from the types by `npm run docs`. -->"];
  for (const name of names) {
    parts.push(`# ${name}\n\n${opening(ENTRIES[name])}`);
    for (const { name: exported, inner, source } of exportsOf(program, ENTRIES[name])) {
      const found = texts.get(source)?.get(inner);
      if (found) parts.push(`## ${exported}\n\n\`\`\`ts\n${found.join("\n")}\n\`\`\``);
    }
  }
  return `${parts.join("\n\n")}\n`;
}

/** Blocks of a guide that a reader may copy: [{path, text}]. */
function blocks() {
  const found = [];
  for (const file of readdirSync(join(root, "docs/guide"))) {
    const text = read(`docs/guide/${file}`);
    let count = 0;
    for (const [, language, code] of text.matchAll(/^```(tsx?)\n([\s\S]*?)^```$/gm))
      if (/^import /m.test(code))
        found.push({ path: join(root, "docs/guide", `${basename(file, ".md")}.${++count}.${language}`), text: code });
  }
  return found;
}

/** What the compiler has to say about them; they see the packages' sources. */
function faultsOf(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    texts.has(path) ? ts.createSourceFile(path, texts.get(path), rest[0]) : getSourceFile(path, ...rest);
  const program = ts.createProgram([...texts.keys()], { ...options, noEmit: true, emitDeclarationOnly: false }, host);
  return files.flatMap(({ path }) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(path))
      .map((d) => `${relative(root, path)}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`),
  );
}

const program = ts.createProgram(
  Object.values(ENTRIES).map((path) => join(root, path)),
  options,
);
const texts = declarations(program);
const pages = Object.entries(PAGES).map(([path, names]) => [path, page(program, texts, names)]);

if (process.argv.includes("--check")) {
  const stale = pages.filter(([path, text]) => readOrNothing(path) !== text).map(([path]) => `${path} is stale`);
  const faults = [...stale, ...faultsOf(blocks())];
  for (const fault of faults) console.error(fault);
  if (stale.length > 0) console.error("run: npm run docs");
  process.exitCode = faults.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of pages) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    if (readOrNothing(path) !== text) writeFileSync(join(root, path), text);
  }
}

function readOrNothing(path) {
  try {
    return read(path);
  } catch {
    return "";
  }
}
