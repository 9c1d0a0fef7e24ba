/** The secrets of a data folder change all at once or not at all, whoever reads them meanwhile and whenever power fails (K9.2). */
import { chownSync, closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  asideName,
  makeSecret,
  readEmbeddedSecrets,
  secretsPath,
  writeAside,
  type EmbeddedSecrets,
} from './embedded-secrets.ts';

/** flushFolder makes a rename outlive a power cut. */
function flushFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function replace(dataDir: string, secrets: EmbeddedSecrets): void {
  const path = secretsPath(dataDir);
  // What a killed replacement left behind holds secrets too.
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith(asideName)) rmSync(join(dataDir, name), { force: true });
  }
  const { uid, gid } = statSync(path);
  const aside = writeAside(dataDir, secrets);
  try {
    // Root may do this for the user whose server reads the file.
    if (process.getuid?.() !== uid) chownSync(aside, uid, gid);
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  flushFolder(dataDir);
}

/**
 * beginMasterKeyRotation puts a fresh master key in place and keeps the old one for decrypting. When an earlier rotation
 * has not ended, its key stays: then nothing changes. One caller at a time.
 */
export function beginMasterKeyRotation(dataDir: string): { readonly isResumed: boolean } {
  const secrets = readEmbeddedSecrets(dataDir);
  if (secrets.isRotating) return { isResumed: true };
  const previousMasterKeys = [secrets.masterKey, ...secrets.previousMasterKeys];
  replace(dataDir, { ...secrets, masterKey: makeSecret(), previousMasterKeys, isRotating: true });
  return { isResumed: false };
}

/** endMasterKeyRotation notes that nothing is left to rewrap under the keys replaced. One caller at a time. */
export function endMasterKeyRotation(dataDir: string): void {
  const secrets = readEmbeddedSecrets(dataDir);
  if (secrets.isRotating) replace(dataDir, { ...secrets, isRotating: false });
}

/** forgetMasterKeys drops replaced keys for which `isForgotten`; what only they open is lost. One caller at a time. */
export function forgetMasterKeys(dataDir: string, isForgotten: (masterKey: string) => boolean): void {
  const secrets = readEmbeddedSecrets(dataDir);
  const previousMasterKeys = secrets.previousMasterKeys.filter((key) => !isForgotten(key));
  replace(dataDir, { ...secrets, previousMasterKeys });
}
