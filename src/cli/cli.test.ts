/** The command line as people meet it: a process, its output and its exit code. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

test('[K1.4] config prints every setting with its origin, secrets masked', async () => {
  const { code, stdout } = await runCli(['config'], { PORT: '8080', METRICS_TOKEN: 'hunter2-hunter2' });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^PORT +8080 +environment$/m);
  expect(stdout).toMatch(/^METRICS_TOKEN +\*{8} +environment$/m);
  expect(stdout).not.toContain('hunter2');
});

test('[K1.4] config --json prints the same for programs', async () => {
  const { stdout } = await runCli(['config', '--json'], { PORT: '8080' });
  expect(JSON.parse(stdout)).toContainEqual({ name: 'PORT', value: '8080', source: 'environment' });
});

test('[K1.2] a bad setting ends with exit code 1 and names every problem', async () => {
  const { code, stderr } = await runCli(['config'], { PORT: 'x', ROLE: 'x' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/2 problems:\n {2}PORT: expected a port/);
});

test.each([['verify'], ['restore'], ['backup', 'one', 'two'], ['restore', '--replace']])(
  '[K10.5] %j %j without its file ends with its usage and opens nothing',
  async (...args) => {
    const { code, stderr } = await runCli(
      args.filter((arg) => arg !== undefined),
      { DATA_DIR: '/nonexistent/data' },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Usage: npm run bulkhead -- (verify|restore|backup)/);
  },
);

test('an unknown command ends with exit code 2 and the list of commands', async () => {
  const { code, stderr } = await runCli(['frobnicate']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^ {2}config +print/m);
});

test.each([[[]], [['help']], [['--help']], [['backup', '--help']], [['keys', 'rotate', '--help']]])(
  'whoever asks for help with %j gets the list, and nothing is begun',
  async (args) => {
    const { code, stdout } = await runCli(args, { DATA_DIR: '/nonexistent/data' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}config +print/m);
  },
);
