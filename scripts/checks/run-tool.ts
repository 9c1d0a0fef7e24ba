/** runTool runs a tool of node_modules under this Node and gives back its exit code and everything it printed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface ToolResult {
  readonly code: number;
  readonly output: string;
  /** Standard output alone, for tools that print JSON there. */
  readonly stdout: string;
}

/** findTool resolves a package's program by its manifest, so that no shell and no `.cmd` wrapper is needed. */
export function findTool(packageName: string, program: string): string {
  const folder = join(root, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof bin === 'string' ? bin : bin[program];
  if (!path) throw new Error(`${packageName} has no program ${program}`);
  return join(folder, path);
}

/** runTool resolves when the tool has ended; it never throws for a failing tool. */
export function runTool(program: string, args: readonly string[], cwd = root): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', (error) => resolve({ code: 1, output: error.message, stdout }));
    child.once('close', (code) => resolve({ code: code ?? 1, output, stdout }));
  });
}
