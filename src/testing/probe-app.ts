/** A small application whose routes do what tests of the HTTP layer need, mounted like any other. */
import { z } from 'zod';
import { defineApp } from '#kernel/app';
import { defineContract } from '#kernel/contract';
import { defineErrors } from '#kernel/errors';
import { defineRoute, type EventStream, type EventWriter } from '#kernel/http';

const echoBody = z.strictObject({
  name: z.string().min(1).max(100),
  tags: z.array(z.string()).optional(),
  tree: z.unknown().optional(),
});

export const probeContract = defineContract({
  'POST /probe/echo/{word}': {
    summary: 'Give back what came in',
    params: z.strictObject({ word: z.string().regex(/^[a-z]+$/) }),
    query: z.strictObject({ count: z.coerce.number().int().max(9).optional() }),
    body: echoBody,
    response: z.strictObject({ name: z.string(), word: z.string(), count: z.number().nullable() }),
  },
  'GET /probe/caller': { summary: 'Say who is calling', response: z.strictObject({ address: z.string() }) },
  'POST /probe/public': { summary: 'Take a body from anybody', body: echoBody },
  'GET /probe/limited': { summary: 'Answer twice a minute' },
  'GET /probe/owners': { summary: 'Answer holders of a permission' },
  'GET /probe/leak': { summary: 'Answer more than promised', response: z.strictObject({ id: z.string() }) },
  'GET /probe/crash': { summary: 'Fail in a way nobody foresaw' },
  'POST /probe/counted': {
    summary: 'Count up once per key',
    body: echoBody,
    response: z.strictObject({ count: z.number() }),
    status: 201,
  },
  'POST /probe/unfenced': { summary: 'Take effect past the transactions of the pipeline' },
  'POST /probe/refused': { summary: 'Take effect, then refuse', body: echoBody },
  'POST /probe/upload': {
    summary: 'Measure a file',
    upload: true,
    response: z.strictObject({ bytes: z.number(), filename: z.string() }),
  },
  'GET /probe/stream': { summary: 'Stream what the test says', stream: true },
  'GET /probe/shared': { summary: 'Answer listed origins', response: z.strictObject({ ok: z.boolean() }) },
  'POST /probe/slow': { summary: 'Wait until the test says so', body: echoBody },
});

export const probeErrors = defineErrors('probe', { PROBE_REFUSED: { status: 409, public: 'The probe refuses.' } });

const limit = { name: 'probe.any', max: 100_000, windowSeconds: 60, by: 'user' } as const;

/** Probe is what a test sees of its probe app. */
export interface Probe {
  /** Called with each stream that is opened. */
  onStream: (writer: EventWriter, signal: AbortSignal) => Promise<void>;
  /** What the crash route throws. */
  crash: unknown;
  counted: number;
  /** Called by the slow route, which waits for it. */
  onSlow: (signal: AbortSignal) => Promise<void>;
}

/** createProbe makes the app and the handle on it. */
export function createProbe() {
  const probe: Probe = {
    onStream: async () => undefined,
    crash: new Error('a secret of the kernel'),
    counted: 0,
    onSlow: async () => undefined,
  };
  const app = defineApp({
    id: 'probe',
    title: 'Probe',
    tagline: 'For tests.',
    schema: 'app_probe',
    migrations: new URL('./probe-migrations/', import.meta.url),
    permissions: { 'probe.owners.read': 'Read what only owners may' },
    policy: { owner: ['probe.owners.read'], admin: [], member: [], viewer: [] },
    workflows: [],
    runWorkflows: [],
    routes: [...plainRoutes(probe), ...countedRoutes(probe), ...streamRoutes(probe)],
  });
  return { app, probe };
}

function plainRoutes(probe: Probe) {
  return [
    defineRoute(probeContract, 'POST /probe/echo/{word}', {
      id: 'probe.echo',
      access: 'signed-in',
      limit,
      handler: async (ctx) => ({ name: ctx.body.name, word: ctx.params.word, count: ctx.query.count ?? null }),
    }),
    defineRoute(probeContract, 'GET /probe/caller', {
      id: 'probe.caller',
      access: 'public',
      limit: { ...limit, by: 'address' },
      handler: async (ctx) => ({ address: ctx.address }),
    }),
    defineRoute(probeContract, 'POST /probe/public', {
      id: 'probe.public',
      access: 'public',
      limit,
      handler: async () => undefined,
    }),
    defineRoute(probeContract, 'GET /probe/limited', {
      id: 'probe.limited',
      access: 'public',
      limit: { name: 'probe.limited', max: 2, windowSeconds: 60, by: 'address' },
      handler: async () => undefined,
    }),
    defineRoute(probeContract, 'GET /probe/owners', {
      id: 'probe.owners',
      access: { permission: 'probe.owners.read' },
      limit,
      handler: async () => undefined,
    }),
    defineRoute(probeContract, 'GET /probe/leak', {
      id: 'probe.leak',
      access: 'public',
      limit,
      handler: async () => ({ id: '1', passwordHash: 'hunter2' }) as { id: string },
    }),
    defineRoute(probeContract, 'GET /probe/crash', {
      id: 'probe.crash',
      access: 'public',
      limit,
      async handler() {
        throw probe.crash;
      },
    }),
    defineRoute(probeContract, 'GET /probe/shared', {
      id: 'probe.shared',
      access: 'public',
      limit,
      cors: true,
      handler: async () => ({ ok: true }),
    }),
  ];
}

function countedRoutes(probe: Probe) {
  return [
    defineRoute(probeContract, 'POST /probe/counted', {
      id: 'probe.counted',
      access: 'signed-in',
      limit,
      idempotent: true,
      handler: (ctx) =>
        ctx.tenant(async (tx) => {
          await tx.query({ text: 'select 1' });
          probe.counted += 1;
          return { count: probe.counted };
        }),
    }),
    defineRoute(probeContract, 'POST /probe/unfenced', {
      id: 'probe.unfenced',
      access: 'signed-in',
      limit,
      idempotent: true,
      handler: async () => undefined,
    }),
    defineRoute(probeContract, 'POST /probe/refused', {
      id: 'probe.refused',
      access: 'signed-in',
      limit,
      idempotent: true,
      async handler(ctx) {
        await ctx.tenant(async () => {
          probe.counted += 1;
        });
        throw probeErrors.PROBE_REFUSED();
      },
    }),
    defineRoute(probeContract, 'POST /probe/upload', {
      id: 'probe.upload',
      access: 'signed-in',
      limit,
      async handler(ctx) {
        let bytes = 0;
        for await (const chunk of ctx.file.stream) bytes += (chunk as Buffer).length;
        return { bytes, filename: ctx.file.filename };
      },
    }),
  ];
}

function streamRoutes(probe: Probe) {
  return [
    defineRoute(probeContract, 'GET /probe/stream', {
      id: 'probe.stream',
      access: 'signed-in',
      limit,
      handler: async (): Promise<EventStream> => ({
        kind: 'event-stream',
        open: (writer, signal) => probe.onStream(writer, signal),
      }),
    }),
    defineRoute(probeContract, 'POST /probe/slow', {
      id: 'probe.slow',
      access: 'signed-in',
      limit,
      handler: (ctx) => probe.onSlow(ctx.signal),
    }),
  ];
}
