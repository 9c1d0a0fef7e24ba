/** The one list of settings: `.env.example`, the configuration reference and the loader are all made from it (K1.1). */
import { creditSettings } from './settings/credit-settings.ts';
import { deliverySettings } from './settings/delivery-settings.ts';
import { modelSettings } from './settings/model-settings.ts';
import { serverSettings } from './settings/server-settings.ts';
import { signInSettings } from './settings/sign-in-settings.ts';
import { storageSettings } from './settings/storage-settings.ts';

export type SettingType =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'port'
  | 'url'
  | 'origin'
  | 'origin-list'
  | 'mailbox'
  | 'list'
  | 'cidr-list'
  | 'name-servers'
  | 'base64url'
  | 'signing-key'
  | 'secret-key'
  | 'secret-key-list'
  | 'security-contact'
  | 'directory'
  | 'limits'
  | 'oidc-providers'
  | { readonly oneOf: readonly string[] };

export interface Setting {
  readonly type: SettingType;
  /** Absent: the setting may be missing and is then undefined, unless `requiredWith` names another that is set. */
  readonly default?: string;
  readonly isSecret?: boolean;
  /** Must be given when that other setting is given. */
  readonly requiredWith?: string;
  /** Schemes a `url` may have, without the colon; https and http by default. */
  readonly schemes?: readonly string[];
  /** Least number; of a network the shortest prefix, of base64url the least bytes. */
  readonly min?: number;
  readonly max?: number;
  readonly group: 'server' | 'database' | 'secrets' | 'sign-in' | 'limits' | 'models' | 'files' | 'delivery' | 'logs';
  readonly doc: string;
}

const settingTable = {
  ...serverSettings,
  ...storageSettings,
  ...signInSettings,
  ...modelSettings,
  ...deliverySettings,
  ...creditSettings,
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settingTable;

/** settings is the schema, by name. */
export const settings: Readonly<Record<SettingName, Setting>> = settingTable;
