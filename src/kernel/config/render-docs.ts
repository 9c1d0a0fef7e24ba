/** `.env.example` and the configuration page are rendered from the schema, so that neither can say anything else (K1.1). */
import { settings, type Setting } from './settings.ts';

const groupTitles: Readonly<Record<Setting['group'], string>> = {
  server: 'Server',
  database: 'Database',
  secrets: 'Secrets',
  'sign-in': 'Sign-in',
  limits: 'Limits',
  models: 'Models and outbound requests',
  files: 'Files',
  delivery: 'Mail and push',
  logs: 'Logs',
};

function groupedSettings(): [title: string, members: [name: string, setting: Setting][]][] {
  return (Object.keys(groupTitles) as Setting['group'][]).map((group) => [
    groupTitles[group],
    Object.entries(settings).filter(([, setting]) => setting.group === group),
  ]);
}

function describeType({ type, min, max, schemes }: Setting): string {
  if (typeof type === 'object') return type.oneOf.map((value) => `\`${value}\``).join(', ');
  const names: Record<typeof type, string> = {
    string: 'text',
    integer: `whole number${min === undefined ? '' : ` from ${min} to ${max}`}`,
    boolean: '`true` or `false`',
    port: 'port, 0 to 65535',
    url: `URL (${(schemes ?? ['https', 'http']).join(', ')})`,
    origin: 'https or http address without a path',
    'origin-list': 'list of origins, comma-separated',
    'name-servers': 'list of addresses, comma-separated',
    base64url: `${min} bytes in base64url`,
    mailbox: '`name <address>` or an address',
    list: 'list, comma-separated',
    'cidr-list': 'networks in CIDR form, comma-separated',
    'signing-key': 'private key for ES256, PEM',
    'secret-key': '32 random bytes in base64',
    'secret-key-list': 'list of 32 random bytes in base64, comma-separated',
    'security-contact': 'e-mail address or https URL',
    directory: 'folder',
    limits: 'name=count/seconds, comma-separated',
    'oidc-providers': 'JSON, a list of providers',
  };
  return names[type];
}

/** renderEnvExample lists every setting, commented out, with its default: copying it changes nothing. */
export function renderEnvExample(): string {
  const groups = groupedSettings().map(([title, members]) => {
    const lines = members.map(([name, setting]) => {
      const marks = [
        setting.isSecret ? 'Secret.' : '',
        setting.requiredWith ? `Required with ${setting.requiredWith}.` : '',
      ];
      return [`# ${[setting.doc, ...marks].filter(Boolean).join(' ')}`, `#${name}=${setting.default ?? ''}`].join('\n');
    });
    return [`## ${title}`, ...lines].join('\n');
  });
  const opening =
    '# Settings of Bulkhead. Generated from src/kernel/config/settings.ts: do not edit, run `npm run docs`.\n' +
    '# Copy to `.env` beside package.json and uncomment what you change; the environment wins over the file.';
  return `${[opening, ...groups].join('\n\n')}\n`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

/** renderConfigurationPage is docs/reference/configuration.md. */
export function renderConfigurationPage(): string {
  const groups = groupedSettings().map(([title, members]) => {
    const rows = members.map(([name, setting]) => {
      const fallback = setting.default === undefined || setting.default === '' ? '' : `\`${setting.default}\``;
      const marks = [
        setting.isSecret ? 'Secret.' : '',
        setting.requiredWith ? `Required with \`${setting.requiredWith}\`.` : '',
      ];
      const doc = [setting.doc, ...marks].filter(Boolean).join(' ');
      return `| \`${name}\` | ${[describeType(setting), fallback, doc].map(escapeCell).join(' | ')} |`;
    });
    return [`## ${title}`, '', '| setting | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
  });
  const opening = [
    '# Configuration',
    '',
    'Generated from `src/kernel/config/settings.ts` by `npm run docs`; a check fails when the two differ.',
    '',
    'Every setting is an environment variable; a file `.env` beside `package.json` is read too, and the environment wins.',
    'Nothing needs to be set to start. A start with a bad setting names all of them at once and never listens.',
    '`npm run bulkhead config` prints the effective settings and where each came from.',
  ].join('\n');
  return `${[opening, ...groups].join('\n\n')}\n`;
}
