/** composeBulkhead builds the whole server from its configuration, in the order of need, and takes it down in reverse. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';
import type { AppDefinition, Services } from '#kernel/app';
import { createAuditLog } from '#kernel/audit';
import { createIdentity, createSetupLink, type KnownApp } from '#kernel/auth';
import { ensureEmbeddedSecrets, type Config } from '#kernel/config';
import { openDatabase, type Database, type MigrationSource } from '#kernel/db';
import { createCredits } from '#kernel/credits';
import { createFlagService, type FlagDeclaration, type FlagService } from '#kernel/flags';
import { createPolicy, type Policy, type Route } from '#kernel/http';
import { createHttpServer, type HttpServer, type StreamLimits } from '#kernel/http/server';
import { createImageService } from '#kernel/images';
import { createExecutorRegistry, createJobEngine, type ExecutorRegistry, type Workflow } from '#kernel/jobs';
import { createLimiter } from '#kernel/limits';
import { createModelGateway } from '#kernel/llm';
import { createLogger, type Logger } from '#kernel/log';
import { createMailService } from '#kernel/mail';
import { createNotificationService } from '#kernel/notifications';
import { createOutboundClient } from '#kernel/outbound';
import { createRights } from '#kernel/privacy';
import { createPushService } from '#kernel/push';
import { createRunService } from '#kernel/runs';
import {
  assertMasterKeys,
  createSecretBox,
  masterKeyId,
  type KeyRing,
  type SealedColumn,
  type SecretBox,
} from '#kernel/secrets';
import { createObjectStore } from '#kernel/storage';
import { apps as installedApps } from './apps.ts';
import { startHousekeeping } from './housekeeping.ts';
import { migrationSources } from './migration-sources.ts';
import { kernelModules, listAuditActions, listSealedColumns } from './modules.ts';

export interface ComposeOptions {
  readonly config: Config;
  readonly log?: Logger;
  /** The applications; all installed ones by default. */
  readonly apps?: readonly AppDefinition[];
  /** Every module's and installed app's by default. */
  readonly migrations?: readonly MigrationSource[];
  /** Folder of the built web app; `.build/web` by default. */
  readonly webFolder?: string;
  readonly streamLimits?: StreamLimits;
}

/** Bulkhead is a composed server. */
export interface Bulkhead {
  readonly services: Services;
  readonly server: HttpServer;
  /** Listens on the configured address, then starts durable work. Rejects with EADDRINUSE when the port is taken. */
  listen(): Promise<{ readonly url: string }>;
  /** The one-time link that creates the owner, or null when there is one already. */
  createSetupLink(publicUrl: string): Promise<string | null>;
  /** Lets what runs finish for DRAIN_SECONDS at most, then ends the open streams (K12.5). Safe to call twice. */
  drain(): Promise<void>;
  /** Ends everything at once; after `drain` nothing of value is left. Safe to call twice. */
  close(): Promise<void>;
}

const root = new URL('..', import.meta.url);

/** programVersion is the version in package.json. */
export const programVersion = (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string })
  .version;

const kernelPermissions = kernelModules.permissions.map((set) => ({
  ...set,
  id: 'kernel',
  title: '',
  tagline: '',
  isShown: false,
}));

/** composeBulkhead opens the database and makes every service. What it opened is closed again when something fails. */
export async function composeBulkhead(options: ComposeOptions): Promise<Bulkhead> {
  const config = ensureEmbeddedSecrets(options.config);
  const log = options.log ?? createLogger({ level: config.logLevel });
  const apps = options.apps ?? installedApps;
  const db = await openDatabase({ config, log, migrations: options.migrations ?? migrationSources });
  const closers: (() => unknown)[] = [() => db.close()];
  try {
    const secrets = await openSecrets(options.config, db, listSealedColumns(apps));
    const flags = await createFlagService({ db, log, declared: flagsOf(apps) });
    closers.push(() => flags.close());
    const rights = createRights(apps);
    const masterKeyIds = listGivenKeys(options.config);
    const parts = await buildServices({ config, log, db, secrets, flags, rights, apps, closers, masterKeyIds });
    const server = await buildServer(parts, apps, options);
    closers.push(() => server.fastify.close());
    return assemble(parts, server, apps, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

interface Parts {
  readonly services: Services;
  readonly registry: ExecutorRegistry;
  readonly policy: Policy;
}

interface Ground extends Pick<Services, 'config' | 'log' | 'db' | 'secrets' | 'flags' | 'rights'> {
  readonly apps: readonly AppDefinition[];
  readonly closers: (() => unknown)[];
  readonly masterKeyIds: readonly string[] | undefined;
}

/** buildServices makes the services in the order in which they need each other; `closers` grows along. */
async function buildServices(ground: Ground): Promise<Parts> {
  const { config, log, db, secrets, flags, rights, apps, closers, masterKeyIds } = ground;
  const limits = await createLimiter({ config, db, log });
  closers.push(() => limits.close());
  const audit = createAuditLog({ db, actions: listAuditActions(apps) });
  const storage = createObjectStore({ config, db, log });
  closers.push(() => storage.close());
  const images = createImageService({ config, db, log, storage });
  closers.push(() => images.close());
  const outbound = createOutboundClient({ config, log });
  closers.push(() => outbound.close());
  const { mail, push, notifications } = buildDeliveries({ config, log, db, secrets, outbound, apps, closers });
  const credits = createCredits({ db, config, log, services: () => services });
  closers.push(() => credits.close());
  const llm = createModelGateway({ db, secrets, outbound, credits, config, log });
  closers.push(() => llm.close());
  const identity = await createIdentity({ db, config, log, listApps: listAppsWith(flags, apps) });
  closers.push(() => identity.close());
  const registry = createExecutorRegistry({ db, log, role: config.role, masterKeyIds });
  closers.push(() => registry.close());
  const shared = { db, log, registry, role: config.role, services: () => services };
  const own = [rights.exportWorkflow, rights.importWorkflow] as unknown as readonly Workflow[];
  const jobs = createJobEngine({ ...shared, workflows: [...own, ...apps.flatMap((app) => app.workflows)] });
  const policy = createPolicy([...kernelModules.permissions, ...apps]);
  const runWorkflows = apps.flatMap((app) => app.runWorkflows) as never;
  const runs = createRunService({ ...shared, identity, policy, workflows: runWorkflows });
  closers.push(() => runs.close());
  const services: Services = Object.freeze({
    config,
    log,
    db,
    identity,
    secrets,
    audit,
    limits,
    outbound,
    credits,
    llm,
    storage,
    images,
    rights,
    flags,
    mail,
    push,
    notifications,
    jobs,
    runs,
  });
  return { services, registry, policy };
}

/** buildDeliveries makes what reaches people outside the app. */
function buildDeliveries(ground: Omit<Ground, 'flags' | 'rights' | 'masterKeyIds'> & Pick<Services, 'outbound'>) {
  const { config, log, db, secrets, outbound, apps, closers } = ground;
  const mail = createMailService({ db, config, log });
  closers.push(() => mail.close());
  const push = createPushService({ db, config, log, secrets, outbound });
  closers.push(() => push.close());
  const kinds = [...kernelModules.notificationKinds, ...apps.flatMap((app) => app.notificationKinds ?? [])];
  const notifications = createNotificationService({ db, config, log, mail, push, kinds });
  closers.push(() => notifications.close());
  return { mail, push, notifications };
}

/** listGivenKeys is the ids of the master keys that settings give; undefined when they are read from the data folder. */
function listGivenKeys({ masterKey, masterKeyPrevious }: Config): string[] | undefined {
  return masterKey === undefined ? undefined : [masterKey, ...masterKeyPrevious].map(masterKeyId);
}

/**
 * openSecrets makes the secret box on the keys of the configuration as it was given, which lets a rotation in the data
 * folder reach it. A key that is needed and missing ends the start.
 */
async function openSecrets(given: Config, db: Database, columns: readonly SealedColumn[]): Promise<SecretBox> {
  const readKeys = (): KeyRing => {
    const { masterKey = '', masterKeyPrevious } = ensureEmbeddedSecrets(given);
    return { masterKey, previousMasterKeys: masterKeyPrevious };
  };
  await assertMasterKeys(db, readKeys());
  return createSecretBox({ ...readKeys(), reload: readKeys, columns });
}

/** flagOf is the flag that switches an application on and off. */
const flagOf = ({ id }: Pick<AppDefinition, 'id'>): string => `app.${id}`;

function flagsOf(apps: readonly AppDefinition[]): FlagDeclaration[] {
  return apps.map((app) => ({
    name: flagOf(app),
    title: app.title,
    description: `The application ${app.title} is there: its pages and its API.`,
    default: true,
  }));
}

function routesOf(app: AppDefinition): Route[] {
  return app.routes.map((route) => ({ ...route, flag: flagOf(app) }));
}

/** listAppsWith are the permissions of the kernel, and the applications with where they are switched on. */
function listAppsWith(flags: FlagService, apps: readonly AppDefinition[]): () => readonly KnownApp[] {
  const known = apps.map((app) => ({ ...app, isOnFor: (tenantId: string) => flags.isOn(flagOf(app), tenantId) }));
  return () => [...kernelPermissions, ...known];
}

function buildServer(
  { services, policy }: Parts,
  apps: readonly AppDefinition[],
  options: ComposeOptions,
): Promise<HttpServer> {
  const isWeb = services.config.role !== 'worker';
  const routes = isWeb ? [...kernelModules.routes, ...apps.flatMap(routesOf)] : [];
  return createHttpServer(services, routes, {
    policy,
    version: programVersion,
    webFolder: options.webFolder ?? fileURLToPath(new URL('.build/web', root)),
    ...(options.streamLimits ? { streamLimits: options.streamLimits } : {}),
  });
}

function assemble(
  { services, registry }: Parts,
  server: HttpServer,
  apps: readonly AppDefinition[],
  closers: (() => unknown)[],
): Bulkhead {
  const { config, log, jobs, runs } = services;
  let draining: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  return {
    services,
    server,
    async listen() {
      await registry.register();
      await server.fastify.listen({ host: config.host, port: config.port });
      await runs.open();
      if (config.role !== 'web') {
        await openDeliveries(services);
        closers.push(startHousekeeping(services, apps));
      }
      // The job engine takes half a second to load, and nobody waits for it: /readyz says when it is there.
      jobs.launch().catch((error: unknown) => log.error({ err: error }, 'the job engine did not start'));
      return { url: publicUrlOf(config, server) };
    },
    createSetupLink: (publicUrl) => createSetupLink({ db: services.db, config, publicUrl }),
    drain() {
      draining ??= drainAll(services, server);
      return draining;
    },
    close() {
      closing ??= closeAll(closers);
      return closing;
    },
  };
}

/** openDeliveries begins to send what waits, of this process and of those before it. */
async function openDeliveries({ mail, notifications, push }: Services): Promise<void> {
  await Promise.all([mail.open(), push.open(), notifications.open()]);
}

/** drainAll turns new work away, waits for what runs, and only then ends the streams, so that answers finish on screen. */
async function drainAll(
  { config, jobs, mail, notifications, push, runs }: Services,
  server: HttpServer,
): Promise<void> {
  server.beginDrain();
  const milliseconds = config.drainSeconds * 1000;
  await Promise.all([runs.drain(milliseconds), jobs.drain(milliseconds), notifications.drain(milliseconds)]);
  // Last, because what ends may still have told somebody of it.
  await Promise.all([mail.drain(milliseconds), push.drain(milliseconds)]);
  server.streams.endAll();
}

/** publicUrlOf is the address people use: as configured, else this machine's with the port really taken. */
function publicUrlOf(config: Config, server: HttpServer): string {
  if (config.publicUrl) return config.publicUrl.replace(/\/+$/, '');
  const { port } = server.fastify.server.address() as AddressInfo;
  return `http://localhost:${port}`;
}

/** closeAll closes in reverse order; one that fails does not keep the others open. */
async function closeAll(closers: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the server did not close cleanly');
}
