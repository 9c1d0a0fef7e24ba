/** Embedded mode makes its own secrets once, in the data folder, readable by the owner alone (K1.3). */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type Config } from './load-config.ts';
import { makeFolder } from './make-folder.ts';
import { secretWeakness } from './secret-strength.ts';

/** EmbeddedSecrets are base64 of 32 random bytes each. */
export interface EmbeddedSecrets {
  readonly masterKey: string;
  /** Keys that `masterKey` replaced, newest first; they only decrypt (K9.2). */
  readonly previousMasterKeys: readonly string[];
  /** True from the moment a rotation has put its key in place until all data keys are wrapped under it. */
  readonly isRotating: boolean;
  readonly authSecret: string;
  /** Password of the embedded server's bootstrap superuser. */
  readonly databasePassword: string;
}

/** makeSecret throws again a random key that looks weak by bad luck. */
export function makeSecret(): string {
  for (;;) {
    const secret = randomBytes(32).toString('base64');
    if (secretWeakness(secret) === null) return secret;
  }
}

/** secretsPath is the file of a data folder that holds its secrets. */
export function secretsPath(dataDir: string): string {
  return join(dataDir, 'secrets.json');
}

/** closeToOthers takes away what a restored copy may have given: other users of the machine must not read the file. */
function closeToOthers(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return;
  try {
    chmodSync(path, 0o600);
  } catch {
    // A file that is mounted read-only, or another user's, is its owner's to guard.
  }
}

function readSecrets(path: string): EmbeddedSecrets | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    closeToOthers(path);
  } catch (error) {
    // ENOTDIR: making the folder will say what is wrong with it.
    if (/^(ENOENT|ENOTDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw new ConfigError([{ name: 'DATA_DIR', expected: `the secrets in ${path} cannot be read by this user` }]);
  }
  try {
    const secrets = JSON.parse(text) as Partial<EmbeddedSecrets>;
    const { masterKey = '', authSecret = '', databasePassword = '', previousMasterKeys = [], isRotating } = secrets;
    const all = [masterKey, authSecret, databasePassword, ...previousMasterKeys];
    if (all.every((secret) => secretWeakness(secret) === null)) {
      return { masterKey, authSecret, databasePassword, previousMasterKeys, isRotating: isRotating === true };
    }
  } catch {
    // Falls through: not JSON.
  }
  throw new ConfigError([
    { name: 'DATA_DIR', expected: `${path} is damaged; restore it from a copy, because the data is encrypted with it` },
  ]);
}

/** asideName is what the names of secrets files begin with that are not in their place yet. */
export const asideName = '.secrets-';

/** writeAside writes secrets into a new file of the folder, readable by this user alone and flushed; returns its path. */
export function writeAside(dataDir: string, secrets: object): string {
  const path = join(dataDir, `${asideName}${process.pid}-${randomBytes(4).toString('hex')}`);
  const fd = openSync(path, 'wx', 0o600);
  try {
    writeSync(fd, `${JSON.stringify(secrets, null, 2)}\n`);
    fsyncSync(fd);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  return path;
}

/** Written aside, flushed, then linked: two first starts at once agree on one file, and a crash leaves none half-written. */
function createSecrets(dataDir: string, path: string): EmbeddedSecrets {
  const secrets = { masterKey: makeSecret(), authSecret: makeSecret(), databasePassword: makeSecret() };
  try {
    // Only the folder itself is closed: PostgreSQL's user must be able to pass through those above.
    makeFolder(dataDir, 0o700);
    const temporary = writeAside(dataDir, secrets);
    try {
      linkSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    return { ...secrets, previousMasterKeys: [], isRotating: false };
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
  const path = secretsPath(dataDir);
  return readSecrets(path) ?? createSecrets(dataDir, path);
}

/**
 * ensureEmbeddedSecrets returns the configuration with its keys filled: from the data folder in embedded mode unless
 * given, unchanged with an external database (where the loader has required them). Keys of the data folder that a given
 * MASTER_KEY replaces still decrypt. Read again, it gives the keys of a rotation that happened meanwhile.
 */
export function ensureEmbeddedSecrets(config: Config): Config {
  if (config.databaseUrl !== undefined) return config;
  const secrets = readEmbeddedSecrets(config.dataDir);
  const masterKey = config.masterKey ?? secrets.masterKey;
  const others = new Set([...config.masterKeyPrevious, secrets.masterKey, ...secrets.previousMasterKeys]);
  others.delete(masterKey);
  return Object.freeze({
    ...config,
    masterKey,
    masterKeyPrevious: Object.freeze([...others]),
    authSecret: config.authSecret ?? secrets.authSecret,
  });
}
