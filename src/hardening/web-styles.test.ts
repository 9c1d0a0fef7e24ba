/** Mantine's styles are loaded by name: this finds every component that the sources use and those it is made of. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const core = join(root, 'node_modules/@mantine/core/esm');
const modules = new Map(
  globSync('components/**/*.mjs', { cwd: core }).map((file) => [basename(file, '.mjs'), join(core, file)]),
);
const styled = new Set(
  globSync('node_modules/@mantine/core/styles/*.layer.css', { cwd: root }).map((file) => basename(file, '.layer.css')),
);

const named = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim().split(' ')[0] ?? '')
    .filter((name) => name !== '' && name !== 'type');

/** importsOf lists the names a source takes from Mantine's core, also through a component of another package of Mantine. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/import \{([^}]+)\} from ['"]@mantine\/([\w-]+)['"]/g)].flatMap(
    ([, list = '', name = '']) => {
      if (name === 'core') return named(list);
      const drawsSomething = named(list).some((part) => /^[A-Z]/.test(part));
      return drawsSomething ? namesWithin(name) : [];
    },
  );
}

function namesWithin(name: string): string[] {
  const folder = join(root, 'node_modules/@mantine', name, 'esm');
  return globSync('**/*.mjs', { cwd: folder }).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/import \{([^}]+)\} from "@mantine\/core"/g)].flatMap(([, list = '']) => named(list));
  });
}

/** stylesOf follows a component to all that it is made of. */
function stylesOf(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const own = path.endsWith('.module.mjs') ? [basename(path, '.module.mjs')] : [];
  const parts = [...readFileSync(path, 'utf8').matchAll(/from "(\.[^"]+)"/g)]
    .map(([, from = '']) => resolve(dirname(path), from))
    .filter((file) => existsSync(file));
  return [...own, ...parts.flatMap((part) => stylesOf(part, seen))];
}

const neededBy = (files: readonly string[]): Set<string> =>
  new Set(
    files
      .flatMap((file) => importsOf(readFileSync(file, 'utf8')))
      .flatMap((name) => stylesOf(modules.get(name) ?? '/dev/null'))
      .filter((name) => styled.has(name)),
  );

/** follow lists a source and what it imports at once; what is imported later has its styles fetched with it. */
function follow(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path) || !existsSync(path)) return seen;
  seen.add(path);
  const text = readFileSync(path, 'utf8').replaceAll(/import type [^;]+;/g, '');
  for (const [, from = ''] of text.matchAll(/(?:from|import) '((?:\.|#web\/)[^']+\.tsx?)'/g)) {
    const file = from.startsWith('#web/') ? join(root, 'src/web', from.slice(5)) : resolve(dirname(path), from);
    follow(file, seen);
  }
  return seen;
}

const loadedBy = (file: string): Set<string> =>
  new Set(
    [...readFileSync(join(root, 'src/web/theme', file), 'utf8').matchAll(/styles\/([\w-]+)\.layer\.css/g)].map(
      ([, name = '']) => name,
    ),
  );

const first = loadedBy('mantine-first.css');
const shell = loadedBy('mantine-shell.css');
const pages = loadedBy('mantine-pages.css');
const router = readFileSync(join(root, 'src/web/shell/router.tsx'), 'utf8');

test('[K17.5] every component of Mantine that a page uses has its styles', () => {
  const sources = globSync(['src/web/**/*.tsx', 'src/apps/*/{ui,widget}/**/*.tsx'], { cwd: root });
  const needed = neededBy(sources.map((file) => join(root, file)));
  expect(needed.size).toBeGreaterThan(20);
  expect([...needed].filter((name) => !first.has(name) && !shell.has(name) && !pages.has(name))).toEqual([]);
});

test('[K17.5] what is seen before signing in does not wait for the styles of the shell', () => {
  const [openPages = ''] = router.split('const shellPages');
  const open = [...openPages.matchAll(/import\('(\.\.\/pages[^']+)'\)/g)].map(([, path = '']) =>
    resolve(root, 'src/web/shell', path),
  );
  const files = [join(root, 'src/web/main.tsx'), ...open].flatMap((path) => [...follow(path)]);
  expect(open.length).toBeGreaterThan(5);
  expect([...neededBy(files)].filter((name) => !first.has(name))).toEqual([]);
});

test('[K17.5] the shell and the pages that are said to be plain do not wait for the styles of all pages', () => {
  const plain = ['src/web/shell/router.tsx', ...globSync('src/apps/*/ui/pages.tsx', { cwd: root })].flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/import\('([^']+)'\), isPlain: true/g)].map(([, path = '']) =>
      resolve(root, dirname(file), path),
    ),
  );
  const parts = globSync('src/apps/*/ui/home-part.tsx', { cwd: root }).map((file) => join(root, file));
  const files = [join(root, 'src/web/shell/app-shell.tsx'), ...plain, ...parts].flatMap((path) => [...follow(path)]);
  expect(plain.length).toBeGreaterThan(1);
  expect([...neededBy(files)].filter((name) => !first.has(name) && !shell.has(name))).toEqual([]);
});
