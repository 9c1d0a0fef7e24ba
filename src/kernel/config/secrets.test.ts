/** Secrets are never guessable, never in the code, and in embedded mode never lost or half-written. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  beginMasterKeyRotation,
  ConfigError,
  endMasterKeyRotation,
  ensureEmbeddedSecrets,
  forgetMasterKeys,
  loadConfig,
  readEmbeddedSecrets,
  secretWeakness,
  settings,
} from './index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('secretWeakness', () => {
  test.each([
    ['not base64', 'ÄÖÜ!', /not base64/],
    ['short', randomBytes(31).toString('base64'), /too short/],
    ['one letter repeated', 'A'.repeat(44), /example|entropy/],
    ['zeros', Buffer.alloc(32).toString('base64'), /example|entropy/],
    ['counting', Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'), /entropy/],
    ['a pattern', Buffer.from('0123456789abcdef'.repeat(4)).toString('base64'), /entropy/],
    ['an example', base64('change-me-change-me-change-me-change-me'), /example/],
    ['a sentence', base64('the quick brown fox jumps over it'), /entropy/],
  ])('[K1.3] %s is refused', (_, text, reason) => {
    expect(secretWeakness(text)).toMatch(reason);
  });

  test('[K1.3] 32 random bytes are accepted, in base64 and base64url', () => {
    // Fixed bytes: with fresh ones a false refusal once in a billion runs would be nobody's fault.
    const bytes = Buffer.from('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'hex');
    expect(secretWeakness(bytes.toString('base64'))).toBeNull();
    expect(secretWeakness(bytes.toString('base64url'))).toBeNull();
  });

  test('[K1.3] no secret has a default in code', () => {
    const withDefault = Object.entries(settings).filter(
      ([, setting]) => setting.isSecret && setting.default !== undefined,
    );
    expect(withDefault).toEqual([]);
  });
});

describe('embedded secrets', () => {
  test('[K1.3] the first start makes them, readable by the owner alone; later starts read the same', () => {
    const first = readEmbeddedSecrets(join(folder, 'data'));
    expect(new Set([first.masterKey, first.authSecret, first.databasePassword]).size).toBe(3);
    expect(statSync(join(folder, 'data', 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
    expect(readEmbeddedSecrets(join(folder, 'data'))).toEqual(first);
    expect(readdirSync(join(folder, 'data'))).toEqual(['secrets.json']);
  });

  test.each(['{}', 'not json', '{"masterKey":"short","authSecret":"short","databasePassword":"short"}'])(
    '[K1.3] a damaged file is an error and is left alone: %j',
    (content) => {
      writeFileSync(join(folder, 'secrets.json'), content);
      expect(() => readEmbeddedSecrets(folder)).toThrow(ConfigError);
      expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toBe(content);
    },
  );

  test('[K1.2] a data folder that cannot be made is named as such', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => readEmbeddedSecrets(join(folder, 'file', 'data'))).toThrow(/DATA_DIR: a folder that can be written/);
  });

  test('[K1.3] a given key wins over the data folder, and with an external database nothing is made', () => {
    const given = readEmbeddedSecrets(join(folder, 'other')).masterKey;
    const { config } = loadConfig({ DATA_DIR: folder, MASTER_KEY: given });
    const filled = ensureEmbeddedSecrets(config);
    expect(filled.masterKey).toBe(given);
    expect(filled.authSecret).toBe(readEmbeddedSecrets(folder).authSecret);
    expect(Object.isFrozen(filled)).toBe(true);

    const url = 'postgres://owner@db/bulkhead';
    const external = loadConfig({
      DATA_DIR: join(folder, 'none'),
      DATABASE_URL: url,
      MASTER_KEY: given,
      AUTH_SECRET: given,
    });
    expect(ensureEmbeddedSecrets(external.config)).toBe(external.config);
    expect(readdirSync(folder)).not.toContain('none');
  });

  test('[K9.2] a rotation puts a fresh key in place, keeps the old one for decrypting, and goes on where it was left', () => {
    const first = readEmbeddedSecrets(folder);
    expect(beginMasterKeyRotation(folder)).toEqual({ isResumed: false });
    const second = readEmbeddedSecrets(folder);
    expect(second).toEqual({
      ...first,
      masterKey: expect.any(String),
      previousMasterKeys: [first.masterKey],
      isRotating: true,
    });
    expect(second.masterKey).not.toBe(first.masterKey);
    expect(secretWeakness(second.masterKey)).toBeNull();
    expect(beginMasterKeyRotation(folder)).toEqual({ isResumed: true });
    expect(readEmbeddedSecrets(folder)).toEqual(second);
    endMasterKeyRotation(folder);
    expect(readEmbeddedSecrets(folder)).toEqual({ ...second, isRotating: false });
    beginMasterKeyRotation(folder);
    expect(readEmbeddedSecrets(folder).previousMasterKeys).toEqual([second.masterKey, first.masterKey]);
    forgetMasterKeys(folder, (key) => key === first.masterKey);
    expect(readEmbeddedSecrets(folder).previousMasterKeys).toEqual([second.masterKey]);
  });

  test('[K1.3] a file that came back readable by others, from a copy, is closed to them', () => {
    const dataDir = join(folder, 'data');
    readEmbeddedSecrets(dataDir);
    const path = join(dataDir, 'secrets.json');
    chmodSync(path, 0o644);
    readEmbeddedSecrets(dataDir);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('[K9.2] a replaced file keeps its mode, and what a killed replacement left is removed', () => {
    readEmbeddedSecrets(folder);
    writeFileSync(join(folder, '.secrets-1-00000000'), 'half');
    beginMasterKeyRotation(folder);
    expect(readdirSync(folder)).toEqual(['secrets.json']);
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  test('[K9.2] keys of the data folder still decrypt beside a given one, each once', () => {
    const { masterKey } = readEmbeddedSecrets(folder);
    const given = readEmbeddedSecrets(join(folder, 'other')).masterKey;
    beginMasterKeyRotation(folder);
    const now = readEmbeddedSecrets(folder).masterKey;
    const { config } = loadConfig({ DATA_DIR: folder, MASTER_KEY: given, MASTER_KEY_PREVIOUS: `${masterKey}, ${now}` });
    expect(ensureEmbeddedSecrets(config)).toMatchObject({ masterKey: given, masterKeyPrevious: [masterKey, now] });
    expect(() => loadConfig({ MASTER_KEY_PREVIOUS: 'short' })).toThrow(/MASTER_KEY_PREVIOUS: one of them is too short/);
  });
});
