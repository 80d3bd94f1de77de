/** Code blocks as programs: type-checked together, parsed, or run. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type Block, ROOT } from './pages.js';

/** Inside the checkout, so that the packages are found; one for each use. */
export class BlockDirectory implements Disposable {
  readonly dir: string;

  constructor(name: string) {
    this.dir = join(ROOT, 'node_modules/.cache/bye-docs', `${name}-${process.pid}`);
    rmSync(this.dir, { recursive: true, force: true });
    mkdirSync(this.dir, { recursive: true });
  }

  /** @returns the path of the file */
  write(block: Block, extension: string): string {
    const file = join(this.dir, `${block.file.replace(/\W/g, '-')}-${block.line}${extension}`);
    writeFileSync(file, block.code);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** @returns what the compiler says, in one run for all: `README.md:42+3 Cannot find name 'x'` */
export function typeCheck(blocks: readonly Block[]): string[] {
  using directory = new BlockDirectory('types');
  const files = new Map(blocks.map((block) => [directory.write(block, '.ts'), block]));
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram([...files.keys()], { ...options, moduleDetection: ts.ModuleDetectionKind.Force });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const block = file && files.get(file.fileName);
    const at = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const where = block ? `${block.file}:${block.line}+${at}` : file?.fileName;
    return `${where} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** @returns the errors of syntax */
export function parseScript({ file, line, code }: Block): string[] {
  const { diagnostics = [] } = ts.transpileModule(code, {
    fileName: 'block.mjs',
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, allowJs: true },
  });
  return diagnostics.map(({ messageText }) => `${file}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}
