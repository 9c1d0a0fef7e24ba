/** Settings of model endpoints and outbound requests. */
import type { Setting } from '../settings.ts';

export const modelSettings = {
  MODEL_PRIVATE_NETWORKS: {
    type: 'cidr-list',
    group: 'models',
    doc: 'Private networks where model endpoints may live. Default: this machine when embedded, none with DATABASE_URL.',
  },
  OUTBOUND_PRIVATE_NETWORKS: {
    type: 'cidr-list',
    default: '',
    group: 'models',
    doc: 'Private networks that other outbound requests may reach.',
  },
  MODEL_CONNECT_TIMEOUT_MS: {
    type: 'integer',
    default: '5000',
    min: 10,
    max: 600000,
    group: 'models',
    doc: 'Time to connect to a model endpoint.',
  },
  MODEL_FIRST_TOKEN_TIMEOUT_MS: {
    type: 'integer',
    default: '60000',
    min: 10,
    max: 3600000,
    group: 'models',
    doc: 'Time until the first token.',
  },
  MODEL_IDLE_TIMEOUT_MS: {
    type: 'integer',
    default: '30000',
    min: 10,
    max: 3600000,
    group: 'models',
    doc: 'Longest silence in the middle of an answer.',
  },
  MODEL_TOTAL_TIMEOUT_MS: {
    type: 'integer',
    default: '600000',
    min: 10,
    max: 86400000,
    group: 'models',
    doc: 'Longest answer.',
  },
  MODEL_CONCURRENCY: {
    type: 'integer',
    default: '1000',
    min: 1,
    max: 100000,
    group: 'models',
    doc: 'Calls at once per model connection; more wait.',
  },
} as const satisfies Record<string, Setting>;
