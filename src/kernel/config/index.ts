/** The door of configuration: the only module that reads the environment. */
export { currentEnvironment } from './environment.ts';
export { ConfigError, loadConfig } from './load-config.ts';
export type { Config, ConfigProblem, Environment, LoadedConfig, Source } from './load-config.ts';
export { describeConfig } from './describe-config.ts';
export type { SettingDescription } from './describe-config.ts';
export { isSafeIssuer } from './parse-oidc-providers.ts';
export type { OidcProviderSetting } from './parse-oidc-providers.ts';
export { renderConfigurationPage, renderEnvExample } from './render-docs.ts';
export { settings } from './settings.ts';
export type { Setting, SettingName, SettingType } from './settings.ts';
export { secretWeakness } from './secret-strength.ts';
export { ensureEmbeddedSecrets, readEmbeddedSecrets } from './embedded-secrets.ts';
export { beginMasterKeyRotation, endMasterKeyRotation, forgetMasterKeys } from './replace-secrets.ts';
export type { EmbeddedSecrets } from './embedded-secrets.ts';
