/** What the house rules share: the little of the linter's API they use, and where in the repository a file stands. */
import { relative } from 'node:path';

/** Node is any node of the syntax tree; rules look only at the members they need. */
export interface Node {
  readonly type: string;
  readonly parent?: Node;
  readonly [member: string]: unknown;
}

export interface Context {
  readonly filename: string;
  readonly cwd: string;
  readonly sourceCode: { readonly text: string };
  report(problem: { readonly node: Node; readonly message: string }): void;
}

export type Visitors = Record<string, (node: Node) => void>;

export interface Rule {
  create(context: Context): Visitors;
}

/** repositoryPath is the file's path from the repository's root; below a fixture's folder, from that folder. */
export function repositoryPath({ cwd, filename }: Pick<Context, 'cwd' | 'filename'>): string {
  return relative(cwd, filename)
    .replaceAll('\\', '/')
    .replace(/^lint\/fixtures\//, '');
}

/** isTestCode: tests and the tools around the server play the outside world, so they may reach for it directly. */
export function isTestCode(path: string): boolean {
  return /\.test\.tsx?$|\/fixtures\/|^(src\/testing|e2e|bench|prove|scripts|lint)\/|\.config\.m?ts$/.test(path);
}

/** isBrowserCode: what Vite builds for the browser. */
export function isBrowserCode(path: string): boolean {
  return /^src\/(web|apps\/[^/]+\/(ui|widget))\//.test(path);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** dottedName renders `a.b.c` from identifiers and plain members; anything else gives ''. */
export function dottedName(node: unknown): string {
  if (!isNode(node)) return '';
  if (node.type === 'Identifier') return String(node['name']);
  if (node.type === 'ThisExpression') return 'this';
  if (node.type !== 'MemberExpression' || node['computed'] === true) return '';
  const object = dottedName(node['object']);
  return object === '' ? `?.${dottedName(node['property'])}` : `${object}.${dottedName(node['property'])}`;
}

/** importedModule is the module an import declaration, a re-export or an `import()` names; null for imports of types. */
function importedModule(node: Node): string | null {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return null;
  const source = node['source'];
  return isNode(source) && typeof source['value'] === 'string' ? source['value'] : null;
}

/** onImport makes the visitors of every way to load a module at run time. */
export function onImport(visit: (module: string, node: Node) => void): Visitors {
  const check = (node: Node): void => {
    const module = importedModule(node);
    if (module !== null) visit(module, node);
  };
  return {
    ImportDeclaration: check,
    ExportNamedDeclaration: check,
    ExportAllDeclaration: check,
    ImportExpression: check,
  };
}

/**
 * isInCallback tells whether a node stands in a function handed to a call that `matches`; the call's last name is given
 * (`ctx.tenant(…)` gives `tenant`).
 */
export function isInCallback(node: Node, matches: (name: string) => boolean): boolean {
  for (let child = node, parent = node.parent; parent; child = parent, parent = parent.parent) {
    const isFunction = child.type === 'ArrowFunctionExpression' || child.type === 'FunctionExpression';
    if (!isFunction || parent.type !== 'CallExpression') continue;
    if (parent['callee'] !== child && matches(dottedName(parent['callee']).split('.').at(-1) ?? '')) return true;
  }
  return false;
}
