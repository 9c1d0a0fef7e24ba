/** Nothing secret or personal reaches the log, whichever way it is handed to the logger, and a broken sink hurts nobody. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLogger, type Logger } from './index.ts';
import { redact } from './redact.ts';

function capture(level = 'trace'): { log: Logger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const log = createLogger({ level, destination: { write: (line: string) => written.push(line) } });
  return {
    log,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => written.join(''),
  };
}

const canary = 'canary-7f3a';

describe('by field name', () => {
  const names = [
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'password',
    'newPassword',
    'passwordHash',
    'PASSWORD',
    'secret',
    'clientSecret',
    'token',
    'accessToken',
    'refresh_token',
    'apiKey',
    'api_key',
    'x-api-key',
    'privateKey',
    'credentials',
    'otp',
    'pin',
    'email',
    'userEmail',
    'username',
    'name',
    'text',
    'messageText',
    'content',
    'prompt',
    'instructions',
    'body',
    'title',
    'filename',
    'query',
    'note',
    'session',
    'signature',
  ];
  test.each(names)('[K7.1] what stands in %s is never logged', (name) => {
    const { log, text } = capture();
    log.info({ [name]: canary }, 'plain');
    log.info({ a: { b: [{ [name]: canary }] } }, 'nested');
    log.info({ [name]: { inner: canary } }, 'object');
    log.child({ [name]: canary }).info('child');
    expect(text()).not.toContain(canary);
    expect(text()).toContain('plain');
  });

  test('[K7.1] counts keep their value: tokens are figures too', () => {
    const { log, lines } = capture();
    log.info({ inputTokens: 12, outputTokens: 3, model: 'offline', durationMs: 4, hasToken: true }, 'model call');
    expect(lines()[0]).toMatchObject({
      inputTokens: 12,
      outputTokens: 3,
      model: 'offline',
      durationMs: 4,
      hasToken: true,
    });
  });
});

describe('by pattern', () => {
  const values = [
    'ada@example.com',
    'sk-proj-abcdefghijklmnop1234',
    'AKIAABCDEFGHIJKLMNOP',
    'bhk_0190d6c28a5b7c3d9e4f1a2b3c4d5e6f_c2VjcmV0',
    'bat_0190d6c28a5b7c3d9e4f1a2b3c4d5e6f_c2VjcmV0',
    'brt_0190d6c28a5b7c3d9e4f1a2b3c4d5e6f_c2VjcmV0',
    'bsc_0190d6c28a5b7c3d9e4f1a2b3c4d5e6f_c2VjcmV0',
    'bac_0190d6c28a5b7c3d9e4f1a2b3c4d5e6f_c2VjcmV0',
    'ghp_abcdefghijklmnopqrstuvwxyz',
    'whsec_abcdefghijklmnopqrstuvwxyz',
    'eyJhbGciOi.eyJzdWIiOiIx.c2lnbmF0dXJl',
    'Bearer abcdefghijk.lmnop',
    'Basic dXNlcjpwYXNz',
    '__Host-session=abcdefg.hijk',
    'postgres://owner:hunter2@db/bulkhead',
    'https://x.test/f?a=1&token=hunter2hunter2',
    'https://x.test/setup#token=hunter2hunter2',
  ];
  test.each(values)('[K7.1] %s is removed from messages, fields, errors, causes and arguments', (value) => {
    const { log, text } = capture();
    const error = new Error(`failed with ${value}`, { cause: new Error(`because of ${value}`) });
    log.info(`plain ${value}`);
    log.info({ detail: `field ${value}` }, `message ${value}`);
    log.info({ detail: 1 }, 'formatted %s', value);
    log.error(error);
    log.error({ err: error });
    log.error({ err: error }, 'with message');
    log.error({ [value]: 1 }, 'as a field name');
    log.child({ detail: value }).info('child');
    expect(text()).not.toContain(value);
    expect(text()).not.toContain('hunter2');
    expect(text().split('\n').length).toBe(9);
  });

  test('[K7.1] an error keeps type, code and stack, and a URL keeps its host', () => {
    const { log, lines } = capture();
    log.error(
      { err: Object.assign(new TypeError('no route to postgres://owner:pw@db/x'), { code: 'ECONNREFUSED' }) },
      'lost',
    );
    expect(lines()[0]).toMatchObject({
      level: 'error',
      msg: 'lost',
      err: { type: 'TypeError', code: 'ECONNREFUSED', message: 'no route to postgres://[credential]@db/x' },
    });
    expect(JSON.stringify(lines()[0])).toContain('log.test.ts');
  });
});

describe('bounds', () => {
  test('[K7.1] circular, deep, wide and unreadable values are cut, never thrown on', () => {
    const circular: Record<string, unknown> = {
      big: 1n,
      bytes: Buffer.from('abc'),
      map: new Map([[1, canary]]),
      at: new Date(Number.NaN),
    };
    circular['self'] = circular;
    Object.defineProperty(circular, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(redact(circular)).toMatchObject({
      big: '1',
      bytes: '[3 bytes]',
      map: '[1 entries]',
      at: 'Invalid Date',
      trap: '[unreadable]',
    });
    const wide = Array.from({ length: 50 }, () =>
      Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => ({ a: 1 }))),
    );
    expect(JSON.stringify(redact(wide)).length).toBeLessThan(50_000);
    expect(String(redact('x'.repeat(100_000))).length).toBe(4_001);
  });

  test('[K7.1] hostile text is redacted in linear time', () => {
    const startedAt = performance.now();
    for (const text of [
      'a'.repeat(4_000),
      'a@'.repeat(2_000),
      'a.'.repeat(2_000),
      `${'a'.repeat(2_000)}://`.repeat(2),
      'eyJ'.repeat(1_300),
    ]) {
      for (let round = 0; round < 20; round += 1) redact(text);
    }
    // About 50 ms; a pattern that looks twice at each letter would take minutes.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe('the logger', () => {
  test('[K7.1] writes one JSON object per line with level, ISO time and message; children add their fields', () => {
    const { log, lines } = capture();
    log.child({ requestId: 'r1' }).warn({ route: 'GET /me', status: 200 }, 'request');
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.+Z$/),
        requestId: 'r1',
        route: 'GET /me',
        status: 200,
        msg: 'request',
      },
    ]);
  });

  test('[K7.1] lines below the level are not written', () => {
    const { log, lines } = capture('warn');
    log.info('quiet');
    log.warn('loud');
    expect(lines().map((line) => line['msg'])).toEqual(['loud']);
  });

  test('[K7.1] a sink that throws never reaches the server', () => {
    const log = createLogger({
      level: 'info',
      destination: {
        write: () => {
          throw new Error('disk full');
        },
      },
    });
    expect(() => log.error('still here')).not.toThrow();
  });

  test('[K7.1] a sink that fails later never reaches the server', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('closed pipe')) });
    const log = createLogger({ level: 'info', destination: stream });
    const closed = new Promise((resolve) => stream.once('close', resolve));
    log.error('first');
    await closed;
    expect(() => log.error('second')).not.toThrow();
  });
});
