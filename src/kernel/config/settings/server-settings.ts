/** Settings of the process, its network and its log. */
import type { Setting } from '../settings.ts';

export const serverSettings = {
  HOST: { type: 'string', default: '127.0.0.1', group: 'server', doc: 'Address to listen on; 0.0.0.0 for all.' },
  PORT: { type: 'port', default: '3000', group: 'server', doc: 'TCP port to listen on; 0 takes a free one.' },
  PUBLIC_URL: {
    type: 'origin',
    group: 'server',
    doc: 'Address people use, such as https://bulkhead.example.com. Default: http://localhost:PORT.',
  },
  ROLE: {
    type: { oneOf: ['all', 'web', 'worker'] },
    default: 'all',
    group: 'server',
    doc: 'What this process does: serve requests, execute runs, or both.',
  },
  DATA_DIR: {
    type: 'directory',
    group: 'server',
    doc: 'Folder for the embedded database, files, secrets and backups. Default: /var/lib/bulkhead as root, else ~/.local/share/bulkhead.',
  },
  TRUSTED_PROXIES: {
    type: 'cidr-list',
    min: 1, // to believe everybody is to know nobody's address
    default: '',
    group: 'server',
    doc: 'Networks whose X-Forwarded-For is believed, comma-separated CIDR.',
  },
  CORS_ORIGINS: {
    type: 'origin-list',
    default: '',
    group: 'server',
    doc: 'Origins that may call routes which allow it, comma-separated.',
  },
  REQUEST_TIMEOUT_SECONDS: {
    type: 'integer',
    default: '30',
    min: 1,
    max: 3600,
    group: 'server',
    doc: 'How long a request may take to arrive whole (uploads have ten times as long).',
  },
  DRAIN_SECONDS: {
    type: 'integer',
    default: '10',
    min: 0,
    max: 600,
    group: 'server',
    doc: 'How long a stopping server lets runs finish before others take them over.',
  },
  SECURITY_CONTACT: {
    type: 'security-contact',
    group: 'server',
    doc: 'Whom people tell of a weakness: an e-mail address or an https page, for /.well-known/security.txt. Default: the address of MAIL_FROM.',
  },
  METRICS_TOKEN: {
    type: 'string',
    isSecret: true,
    group: 'server',
    doc: 'Bearer token for /metrics from other machines; without it only this machine may read it.',
  },
  LOG_LEVEL: {
    type: { oneOf: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] },
    default: 'info',
    group: 'logs',
    doc: 'How much is logged.',
  },
} as const satisfies Record<string, Setting>;
