/**
 * Who may import whom. Levels and doors are those of ARCHITECTURE.md; `lint/canary` holds one violation of every rule,
 * and the check fails when a rule no longer catches its own.
 */

/** Modules of the kernel by level: a module may load its own level and those below. */
const levels = [
  ['config', 'contract', 'errors', 'ids', 'log'],
  ['db'],
  ['audit', 'auth', 'delivery', 'idempotency', 'limits', 'mail', 'secrets', 'tenancy'],
  [
    'admin',
    'credits',
    'flags',
    'images',
    'jobs',
    'llm',
    'notifications',
    'outbound',
    'privacy',
    'push',
    'runs',
    'storage',
    'webhooks',
  ],
  ['app', 'http'],
];

/** Tests, and code that only tests load, may reach into what they test. */
const tests = String.raw`\.test\.tsx?$|/fixtures/|^src/testing/|^(e2e|bench|prove|scripts|lint)/`;

/** Types cost nothing and bind nothing at run time: the doors' types know each other, their code does not. */
const atRunTime = { dependencyTypesNot: ['type-only', 'pre-compilation-only'] };

/** Doors of the kernel: a module's index.ts and its contracts; the HTTP server has one of its own, because it loads the rest. */
const doors = String.raw`^src/kernel/[^/]+/(index|contract)\.ts$|^src/kernel/[^/]+/[^/]+/[^/]*contract\.ts$|^src/kernel/http/server/index\.ts$`;

/** Rules that server and browser apply alike; such a file is pure, which `shared-is-pure` makes sure of. */
const shared = String.raw`^src/kernel/auth/password-policy\.ts$`;

/** A module's routes stand at the level of http, which mounts them. */
const routes = String.raw`/(routes/[^/]+|routes|[^/]+-routes)\.ts$`;

const levelRules = levels.slice(0, -1).map((modules, level) => ({
  name: `kernel-level-${level}`,
  comment: `level ${level} (${modules.join(', ')}) loads no higher level`,
  severity: 'error',
  // index.ts re-exports the routes, so it is judged by them.
  from: { path: `^src/kernel/(${modules.join('|')})/`, pathNot: `${tests}|${routes}` },
  to: {
    path: `^src/kernel/(${levels
      .slice(level + 1)
      .flat()
      .join('|')})/`,
    ...atRunTime,
  },
}));

export default {
  forbidden: [
    ...levelRules,
    {
      name: 'no-cycles',
      comment: 'modules that load each other have no order in which to understand or start them',
      severity: 'error',
      from: { pathNot: tests },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'pre-compilation-only'] } },
    },
    {
      name: 'kernel-door',
      comment: 'a kernel module is entered through its index.ts; contracts are public too',
      severity: 'error',
      from: { path: '^src/(?!kernel/)', pathNot: tests },
      to: { path: '^src/kernel/[^/]+/', pathNot: `${doors}|${shared}` },
    },
    {
      name: 'kernel-door-inside',
      comment: 'kernel modules enter each other through index.ts',
      severity: 'error',
      from: { path: '^src/kernel/([^/]+)/', pathNot: tests },
      to: { path: '^src/kernel/[^/]+/', pathNot: `^src/kernel/$1/|${doors}` },
    },
    {
      name: 'kernel-knows-no-app',
      comment: 'the kernel knows neither applications nor what is built from it',
      severity: 'error',
      from: { path: '^src/kernel/', pathNot: tests },
      to: { path: String.raw`^src/(apps|web|cli|testing)/|^src/[^/]+\.ts$` },
    },
    {
      name: 'apps-know-no-other-app',
      comment: 'applications talk by events and declared capabilities, never by import',
      severity: 'error',
      from: { path: '^src/apps/([^/]+)/' },
      to: { path: '^src/apps/[^/]+/', pathNot: '^src/apps/$1/' },
    },
    {
      name: 'apps-use-the-kernel-only',
      comment: 'the server side of an application stands on the kernel',
      severity: 'error',
      from: { path: '^src/apps/[^/]+/', pathNot: `${tests}|^src/apps/[^/]+/(ui|widget)/` },
      to: { path: String.raw`^src/(web|cli|testing)/|^src/apps/[^/]+/(ui|widget)/|^src/[^/]+\.ts$` },
    },
    {
      name: 'pages-use-their-contract',
      comment: 'what runs in the browser loads contracts (pure Zod and types) and the web shell, never server code',
      severity: 'error',
      from: { path: '^src/apps/[^/]+/(ui|widget)/', pathNot: tests },
      to: {
        path: '^src/',
        pathNot: String.raw`^src/web/|^src/apps/[^/]+/(ui|widget)/|/contract\.ts$|^src/kernel/contract/`,
        ...atRunTime,
      },
    },
    {
      name: 'web-uses-contracts',
      comment: 'the web shell loads contracts and the pages of applications',
      severity: 'error',
      from: { path: '^src/web/', pathNot: tests },
      to: {
        path: '^src/',
        pathNot: String.raw`^src/web/|^src/apps/[^/]+/ui/pages\.tsx$|/contract\.ts$|^src/kernel/contract/|${shared}`,
        ...atRunTime,
      },
    },
    {
      name: 'shared-is-pure',
      comment: 'rules shared with the browser load contracts and other pure code only',
      severity: 'error',
      from: { path: shared },
      to: {
        path: '.',
        pathNot: String.raw`/contract\.ts$|^src/kernel/contract/|node_modules/(zod|@zxcvbn-ts)/`,
        ...atRunTime,
      },
    },
    {
      name: 'testing-is-for-tests',
      comment: 'the test harness is loaded by tests only',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: String.raw`^src/testing/|\.test\.tsx?$|^(e2e|bench|prove|lint)/` },
    },
    {
      name: 'packages-stand-alone',
      comment: 'published packages load nothing of the server',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^src/' },
    },
    {
      name: 'server-needs-no-dev-package',
      comment: 'what the server loads must be among the dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: `${tests}|^src/web/|^src/apps/[^/]+/(ui|widget)/` },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only', 'pre-compilation-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    {
      name: 'resolvable',
      comment: 'every import leads somewhere',
      severity: 'error',
      from: { path: '^(src|packages)/' },
      to: { couldNotResolve: true, pathNot: String.raw`^virtual:|\?` },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: String.raw`^(lint/(fixtures|canary)|\.build|coverage)/` },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: new URL('./tsconfig.json', import.meta.url).pathname },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.css'],
    },
  },
};
