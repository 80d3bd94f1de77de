// Finds the files to check and reads each into what the rules look at.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const CODE = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const SOURCES = [
  /^packages\/[^/]+\/src\//,
  /^testkit\/src\//,
  /^scripts\//,
  /^examples\/[^/]+\/src\//,
  /^bench\/(?:src|servers)\//,
];
const TESTS = /^(?:bench\/test|tests)\//;

/**
 * @typedef {object} Source
 * @property {string} file path from the root, with "/"
 * @property {string} text as it is
 * @property {string} code comments and the insides of strings blanked, same lines and columns
 * @property {string} codeWithStrings comments blanked
 * @property {{ specifier: string, line: number }[]} imports
 */

/**
 * @param {string} root
 * @returns {{ all: string[], sources: Source[], longest: { file: string, text: string }[] }}
 *   every file of the checkout; the ones under the rules; and those plus the tests, under the line limit
 */
export function readSources(root) {
  const all = listFiles(root).filter((file) => existsSync(path.join(root, file)));
  const code = all.filter((file) => CODE.test(file));
  const read = (file) => readFileSync(path.join(root, file), 'utf8');
  const sources = code
    .filter((file) => SOURCES.some((where) => where.test(file)))
    .map((file) => parseSource(file, read(file)));
  const tests = code.filter((file) => TESTS.test(file)).map((file) => ({ file, text: read(file) }));
  return { all, sources, longest: [...sources, ...tests] };
}

/** What git tracks or would track; without git (a test's tree) every file. */
function listFiles(root) {
  if (!existsSync(path.join(root, '.git'))) {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
  }
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  return [...new Set(listed.split('\0').filter(Boolean))];
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Source}
 */
export function parseSource(file, text) {
  const kind = /x$/.test(file) ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false, kind);
  const code = blank(text);
  const codeWithStrings = blank(text);
  for (const token of tokensOf(tree, tree)) {
    const start = token.getStart(tree);
    for (let at = start; at < token.end; at++) codeWithStrings[at] = text[at];
    const opaque =
      ts.isStringLiteralLike(token) || ts.isTemplateLiteralToken(token) || ts.isRegularExpressionLiteral(token);
    if (!opaque) for (let at = start; at < token.end; at++) code[at] = text[at];
  }
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({
    specifier: fileName,
    line: tree.getLineAndCharacterOfPosition(pos).line + 1,
  }));
  return { file, text, code: code.join(''), codeWithStrings: codeWithStrings.join(''), imports };
}

/** Spaces with the line breaks of the text. */
function blank(text) {
  return Array.from({ length: text.length }, (_, at) => (text[at] === '\n' ? '\n' : ' '));
}

function* tokensOf(node, tree) {
  const children = node
    .getChildren(tree)
    .filter((child) => child.kind < ts.SyntaxKind.FirstJSDocNode || child.kind > ts.SyntaxKind.LastJSDocNode);
  if (children.length === 0) yield node;
  for (const child of children) yield* tokensOf(child, tree);
}
