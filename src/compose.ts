/** composeBulkhead builds the whole server from its configuration, in the order of need, and takes it down in reverse. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';
import type { AppDefinition, Services } from '#kernel/app';
import { createAuditLog } from '#kernel/audit';
import { createIdentity, createSetupLink } from '#kernel/auth';
import { ensureEmbeddedSecrets, type Config } from '#kernel/config';
import { openDatabase, type Database, type MigrationSource } from '#kernel/db';
import { createPolicy } from '#kernel/http';
import { createHttpServer, type HttpServer, type StreamLimits } from '#kernel/http/server';
import { createExecutorRegistry, createJobEngine, type ExecutorRegistry } from '#kernel/jobs';
import { createLimiter } from '#kernel/limits';
import { createModelGateway } from '#kernel/llm';
import { createLogger, type Logger } from '#kernel/log';
import { createOutboundClient } from '#kernel/outbound';
import { createRunService } from '#kernel/runs';
import { createSecretBox } from '#kernel/secrets';
import { createObjectStore } from '#kernel/storage';
import { apps as installedApps } from './apps.ts';
import { startHousekeeping } from './housekeeping.ts';
import { migrationSources } from './migration-sources.ts';
import { kernelModules } from './modules.ts';

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
    const parts = await buildServices(config, log, db, apps, closers);
    const server = await buildServer(parts.services, apps, options);
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
}

/** buildServices makes the services in the order in which they need each other; `closers` grows along. */
async function buildServices(
  config: Config,
  log: Logger,
  db: Database,
  apps: readonly AppDefinition[],
  closers: (() => unknown)[],
): Promise<Parts> {
  const limits = await createLimiter({ config, db, log });
  closers.push(() => limits.close());
  const audit = createAuditLog({ db });
  const secrets = createSecretBox({ masterKey: config.masterKey });
  const storage = createObjectStore({ config, db, log });
  closers.push(() => storage.close());
  const outbound = createOutboundClient({ config, log });
  closers.push(() => outbound.close());
  const llm = createModelGateway({ db, secrets, outbound, config, log });
  closers.push(() => llm.close());
  const identity = await createIdentity({ db, config, log, listApps: () => [...kernelPermissions, ...apps] });
  closers.push(() => identity.close());
  const registry = createExecutorRegistry({ db, log, role: config.role });
  closers.push(() => registry.close());
  const shared = { db, log, registry, role: config.role, services: () => services };
  const jobs = createJobEngine({ ...shared, workflows: apps.flatMap((app) => app.workflows) });
  const runs = createRunService({ ...shared, workflows: apps.flatMap((app) => app.runWorkflows) as never });
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
    llm,
    storage,
    jobs,
    runs,
  });
  return { services, registry };
}

function buildServer(services: Services, apps: readonly AppDefinition[], options: ComposeOptions): Promise<HttpServer> {
  const isWeb = services.config.role !== 'worker';
  const routes = isWeb ? [...kernelModules.routes, ...apps.flatMap((app) => app.routes)] : [];
  return createHttpServer(services, routes, {
    policy: createPolicy([...kernelModules.permissions, ...apps]),
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
      if (config.role !== 'web') closers.push(startHousekeeping(services, apps));
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

/** drainAll turns new work away, waits for what runs, and only then ends the streams, so that answers finish on screen. */
async function drainAll({ config, jobs, runs }: Services, server: HttpServer): Promise<void> {
  server.beginDrain();
  const milliseconds = config.drainSeconds * 1000;
  await Promise.all([runs.drain(milliseconds), jobs.drain(milliseconds)]);
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
