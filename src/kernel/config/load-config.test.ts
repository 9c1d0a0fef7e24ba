/** Loading gives a frozen, complete configuration or names every problem at once. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import webpush from 'web-push';
import { ConfigError, loadConfig, type Environment } from './index.ts';

const key = () => randomBytes(32).toString('base64');
const external = () => ({
  DATABASE_URL: 'postgres://owner:pw@db:5432/bulkhead',
  MASTER_KEY: key(),
  AUTH_SECRET: key(),
});

function problemsOf(environment: Environment): Record<string, string> {
  try {
    loadConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map(({ name, expected }) => [name, expected]));
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  test('[K1.1] an empty environment gives the documented defaults', () => {
    const { config, sources } = loadConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      role: 'all',
      passwordMinLength: 12,
      passwordClasses: true,
    });
    expect(config).toMatchObject({ databaseUrl: undefined, masterKey: undefined, trustedProxies: [], limits: {} });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  test('[K1.1] given values are typed and their source is remembered', () => {
    const given = {
      PORT: '0',
      PASSWORD_CLASSES: 'false',
      LIMITS: 'agents.chat=60/30, auth.sign-in=1/1',
      DATA_DIR: 'relative',
    };
    const { config, sources } = loadConfig(given);
    expect(config.port).toBe(0);
    expect(config.passwordClasses).toBe(false);
    expect(config.limits).toEqual({
      'agents.chat': { max: 60, windowSeconds: 30 },
      'auth.sign-in': { max: 1, windowSeconds: 1 },
    });
    expect(config.dataDir).toMatch(/^\/.*\/relative$/);
    expect(sources).toMatchObject({ PORT: 'environment', HOST: 'default' });
  });

  test('[K1.1] an empty variable means not given', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: '' }).config).toMatchObject({ port: 3000, databaseUrl: undefined });
  });

  test('[K1.2] every bad setting is named at once, with what was expected and without its value', () => {
    const problems = problemsOf({
      PORT: '80a',
      ROLE: 'king',
      TRUSTED_PROXIES: '10.0.0.0/33',
      DRAIN_SECONDS: '-1',
      PASSWORD_CLASSES: 'yes',
      PUBLIC_URL: 'bulkhead',
      LIMITS: 'agents.chat=0/60',
      MASTER_KEY: 'hunter2hunter2hunter2',
    });
    expect(Object.keys(problems).toSorted()).toEqual([
      'DRAIN_SECONDS',
      'LIMITS',
      'MASTER_KEY',
      'PASSWORD_CLASSES',
      'PORT',
      'PUBLIC_URL',
      'ROLE',
      'TRUSTED_PROXIES',
    ]);
    expect(problems['ROLE']).toBe('expected one of all, web, worker');
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  test('[K1.2] the message is one line per problem', () => {
    expect(() => loadConfig({ PORT: 'x', ROLE: 'x' })).toThrow(/2 problems:\n {2}PORT: .+\n {2}ROLE: .+$/);
  });

  test.each(['65536', '-1', '1.5', '0x50', ' 80', '1e3', 'NaN', '٣'])('[K1.2] %j is not a port', (PORT) => {
    expect(problemsOf({ PORT })['PORT']).toBe('expected a port, a whole number from 0 to 65535');
  });

  test.each([
    ['DATABASE_URL', 'mysql://db/x', /postgres:\/\/ or postgresql:\/\//],
    ['REDIS_URL', 'http://cache:6379', /redis:\/\//],
    ['PUBLIC_URL', 'ftp://x', /https:\/\/ or http:\/\//],
  ])('[K1.2] %s refuses a URL of another kind', (name, value, expected) => {
    expect(problemsOf({ ...external(), [name]: value })[name]).toMatch(expected);
  });

  test.each(['10.0.0.0/8', '::1/128', '192.0.2.1', 'fd00::/8,10.0.0.0/8'])(
    '[K1.2] %j is a list of networks',
    (networks) => {
      expect(loadConfig({ TRUSTED_PROXIES: networks }).config.trustedProxies).toEqual(networks.split(','));
    },
  );

  test.each(['10.0.0.0/', '10.0.0/8', '10.0.0.0/8/8', 'all', '::1/129', '0.0.0.0/0', '::/0'])(
    '[K1.2] %j is not a network',
    (networks) => {
      expect(problemsOf({ TRUSTED_PROXIES: networks })).toHaveProperty('TRUSTED_PROXIES');
    },
  );

  test.each(['https://x.example/path', 'https://x.example/?a=1', 'https://x.example#a', 'https://ada:pw@x.example'])(
    '[K1.2] %j is not where people find the server, as every link would lead elsewhere',
    (PUBLIC_URL) => {
      expect(problemsOf({ PUBLIC_URL })['PUBLIC_URL']).toMatch(/^expected an address .*no path/);
    },
  );

  test('[K1.2] a slash at the end of an origin is no other origin', () => {
    const { config } = loadConfig({
      PUBLIC_URL: 'https://X.example:443/',
      CORS_ORIGINS: 'https://a.example/, http://localhost:5173',
    });
    expect(config.publicUrl).toBe('https://x.example');
    expect(config.corsOrigins).toEqual(['https://a.example', 'http://localhost:5173']);
  });

  test.each([
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'a.example'],
    ['CORS_ORIGINS', 'https://a.example,https://b.example/app'],
    ['DNS_SERVERS', 'resolver.example'],
    ['DNS_SERVERS', '192.0.2.1:99999'],
    ['DNS_SERVERS', '2001:db8::1:53x'],
    ['MAIL_SMTP_URL', 'smtp://'],
    ['VAPID_SUBJECT', 'mailto:'],
    ['VAPID_PUBLIC_KEY', 'too-short'],
    ['VAPID_PRIVATE_KEY', `${'A'.repeat(43)}=`],
  ])('[K1.2] %s refuses %j at the start, not when it is first needed', (name, value) => {
    expect(problemsOf({ [name]: value })).toHaveProperty(name);
  });

  test.each([
    ['MAIL_SMTP_URL', 'smtps://ada:100%@mail.example:465'],
    ['DATABASE_URL', 'postgres://owner:100%@db/x'],
    ['REDIS_URL', 'redis://:100%@cache'],
  ])(
    '[K1.2] %s with a password that nobody can read out of it says how to write it, and not the password',
    (name, url) => {
      const expected = problemsOf({ ...external(), MAIL_FROM: 'a@example.com', [name]: url })[name];
      expect(expected).toMatch(/^expected a user name and password in which % is written %25/);
      expect(expected).not.toContain('100');
      const written = { ...external(), MAIL_FROM: 'a@example.com', [name]: url.replace('100%', '100%25%40') };
      expect(() => loadConfig(written)).not.toThrow();
    },
  );

  test('[K1.2] name servers may have a port, and keys for push are taken as they are made', () => {
    const servers = ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:53'];
    expect(loadConfig({ DNS_SERVERS: servers.join(',') }).config.dnsServers).toEqual(servers);
    const { publicKey, privateKey } = webpush.generateVAPIDKeys();
    const given = { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey };
    expect(loadConfig(given).config).toMatchObject({ vapidPublicKey: publicKey, vapidPrivateKey: privateKey });
    expect(problemsOf({ VAPID_SUBJECT: 'me' })['VAPID_SUBJECT']).toBe(
      'expected a URL that starts with mailto: or https://',
    );
  });

  test('[K1.2] a key that signs is read at the start, with its line breaks written as \\n, and no other kind will do', () => {
    const pemOf = (namedCurve: string) =>
      String(generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const apple = { APPLE_CLIENT_ID: 'a', APPLE_TEAM_ID: 'b', APPLE_KEY_ID: 'c' };
    const pem = pemOf('P-256');
    for (const text of [pem, pem.replaceAll('\n', '\\n')])
      expect(loadConfig({ ...apple, APPLE_PRIVATE_KEY: text }).config.applePrivateKey).toBe(pem);
    for (const text of [pemOf('P-384'), pem.slice(0, 90), 'AuthKey_ABC.p8'])
      expect(problemsOf({ ...apple, APPLE_PRIVATE_KEY: text })['APPLE_PRIVATE_KEY']).toBe(
        'expected a private key for ES256 (P-256) in PEM form, from its BEGIN line to its END line',
      );
  });

  test('[K1.2] the loaded configuration is frozen, its lists and tables too', () => {
    const { config } = loadConfig({ TRUSTED_PROXIES: '10.0.0.0/8', LIMITS: 'a.b=1/1' });
    for (const part of [
      config,
      config.trustedProxies,
      config.limits,
      config.limits['a.b'],
      config.modelPrivateNetworks,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
  });

  test('[K1.3] with an external database the secrets must be given', () => {
    const problems = problemsOf({ DATABASE_URL: external().DATABASE_URL });
    expect(Object.keys(problems).toSorted()).toEqual(['AUTH_SECRET', 'MASTER_KEY']);
    expect(problems['MASTER_KEY']).toMatch(/^is required with DATABASE_URL/);
    expect(loadConfig(external()).config.databaseUrl).toContain('db:5432');
  });

  test('[K11.6] models on this machine are found when embedded, and private networks are closed otherwise', () => {
    expect(loadConfig({}).config.modelPrivateNetworks).toEqual(['127.0.0.0/8', '::1/128']);
    expect(loadConfig(external()).config.modelPrivateNetworks).toEqual([]);
    expect(loadConfig({ ...external(), MODEL_PRIVATE_NETWORKS: '10.1.0.0/16' }).config.modelPrivateNetworks).toEqual([
      '10.1.0.0/16',
    ]);
  });
});
