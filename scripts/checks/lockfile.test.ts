/** The lockfile installs the same packages everywhere, from any registry. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './run-tool.ts';

interface LockedPackage {
  readonly name?: string;
  readonly resolved?: string;
  readonly integrity?: string;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, LockedPackage>> };
const manifest = read('package.json') as Manifest;

test('[Q1] every package in the lockfile has a digest, and none names a registry host', () => {
  const entries = Object.entries(packages).filter(([folder]) => folder !== '');
  expect(entries.length).toBeGreaterThan(100);
  expect(entries.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([folder]) => folder)).toEqual(
    [],
  );
  expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([folder]) => folder)).toEqual([]);
});

test('[Q1] package.json asks for exact versions, and npm put no placeholder where a package was not found', () => {
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  const inexact = Object.entries(wanted).filter(
    ([, version]) => !/^(npm:(@[^/]+\/)?[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version),
  );
  expect(inexact).toEqual([]);
  expect(Object.values(packages).filter(({ name }) => name === 'null')).toEqual([]);
});

test('[Q1] the lockfile says what package.json says', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  expect(packages['']).toMatchObject({ dependencies, devDependencies, optionalDependencies });
});
