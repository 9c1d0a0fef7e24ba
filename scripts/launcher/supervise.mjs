/** A supervised child gets our signals, gives us its exit code, and is stopped when whoever started us is gone. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { watchParent } from './watch-parent.mjs';

const shellExitOffset = 128;

/**
 * superviseCommand runs a program to its end with our standard streams and resolves to its exit code
 * (128 + number when a signal ended it, as shells report it).
 *
 * SIGTERM and SIGHUP are passed on. SIGINT is passed on only without a terminal: a terminal's Ctrl-C reaches the whole
 * process group by itself, and a second one would read as "stop at once".
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, shell?: boolean, stdout?: 'inherit' | 'stderr' }} [options]
 * @returns {Promise<number>}
 */
export function superviseCommand(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd ?? process.cwd(),
      env: { ...process.env, ...options.env },
      stdio: ['inherit', options.stdout === 'stderr' ? 2 : 'inherit', 'inherit'],
      shell: options.shell ?? false,
    });
    const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    const swallowOrForward = () => (hasTerminal ? undefined : child.kill('SIGINT'));
    process.on('SIGTERM', forward);
    process.on('SIGHUP', forward);
    process.on('SIGINT', swallowOrForward);
    const stopWatching = watchParent(() => child.kill('SIGTERM'));
    const finish = (/** @type {number} */ code) => {
      stopWatching();
      process.off('SIGTERM', forward);
      process.off('SIGHUP', forward);
      process.off('SIGINT', swallowOrForward);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      finish(1);
    });
    child.once('exit', (code, signal) => {
      finish(code ?? shellExitOffset + (signal ? constants.signals[signal] : 0));
    });
  });
}
