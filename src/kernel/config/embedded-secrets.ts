/** Embedded mode makes its own secrets once, in the data folder, readable by the owner alone (K1.3). */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type Config } from './load-config.ts';
import { makeFolder } from './make-folder.ts';
import { secretWeakness } from './secret-strength.ts';

/** EmbeddedSecrets are base64 of 32 random bytes each. */
export interface EmbeddedSecrets {
  readonly masterKey: string;
  readonly authSecret: string;
  /** Password of the embedded server's bootstrap superuser. */
  readonly databasePassword: string;
}

/** A random key can look weak by bad luck; such a one is thrown again. */
function makeSecret(): string {
  for (;;) {
    const secret = randomBytes(32).toString('base64');
    if (secretWeakness(secret) === null) return secret;
  }
}

function readSecrets(path: string): EmbeddedSecrets | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // ENOTDIR: making the folder will say what is wrong with it.
    if (/^(ENOENT|ENOTDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw new ConfigError([{ name: 'DATA_DIR', expected: `the secrets in ${path} cannot be read by this user` }]);
  }
  try {
    const secrets = JSON.parse(text) as Partial<EmbeddedSecrets>;
    const { masterKey = '', authSecret = '', databasePassword = '' } = secrets;
    if ([masterKey, authSecret, databasePassword].every((secret) => secretWeakness(secret) === null)) {
      return { masterKey, authSecret, databasePassword };
    }
  } catch {
    // Falls through: not JSON.
  }
  throw new ConfigError([
    { name: 'DATA_DIR', expected: `${path} is damaged; restore it from a copy, because the data is encrypted with it` },
  ]);
}

/** Written aside, flushed, then linked: two first starts at once agree on one file, and a crash leaves none half-written. */
function createSecrets(dataDir: string, path: string): EmbeddedSecrets {
  const temporary = join(dataDir, `.secrets-${process.pid}-${randomBytes(4).toString('hex')}`);
  const secrets = { masterKey: makeSecret(), authSecret: makeSecret(), databasePassword: makeSecret() };
  try {
    // Only the folder itself is closed: PostgreSQL's user must be able to pass through those above.
    makeFolder(dataDir, 0o700);
    try {
      const fd = openSync(temporary, 'wx', 0o600);
      writeSync(fd, `${JSON.stringify(secrets, null, 2)}\n`);
      fsyncSync(fd);
      closeSync(fd);
      linkSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    return secrets;
  } catch (error) {
    const isMadeByAnother = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const others = isMadeByAnother ? readSecrets(path) : null;
    if (others) return others;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([
      { name: 'DATA_DIR', expected: `a folder that can be written; ${dataDir} cannot (${reason})` },
    ]);
  }
}

/** readEmbeddedSecrets returns the secrets of a data folder, making them on first use. Throws ConfigError. */
export function readEmbeddedSecrets(dataDir: string): EmbeddedSecrets {
  const path = join(dataDir, 'secrets.json');
  return readSecrets(path) ?? createSecrets(dataDir, path);
}

/**
 * ensureEmbeddedSecrets returns the configuration with masterKey and authSecret filled: from the data folder in embedded
 * mode unless given, unchanged with an external database (where the loader has required them).
 */
export function ensureEmbeddedSecrets(config: Config): Config {
  if (config.databaseUrl !== undefined) return config;
  const secrets = readEmbeddedSecrets(config.dataDir);
  return Object.freeze({
    ...config,
    masterKey: config.masterKey ?? secrets.masterKey,
    authSecret: config.authSecret ?? secrets.authSecret,
  });
}
