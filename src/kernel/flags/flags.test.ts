/** Flags are switched by who runs the server, act at once and everywhere, and answer the same by either door. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { createAgent, waitFor } from '../../testing/agents-fixture.ts';
import { startTestServer, type Tenant, type TestServer } from '../../testing/server.ts';
import { createFlagService } from './create-flag-service.ts';
import { bucketOf, evaluate, exceptionKey } from './evaluate.ts';
import type { FlagDeclaration } from './types.ts';

const flag: FlagDeclaration = { name: 'desk.new', title: 'New', description: 'Something new.', default: false };

describe('what a flag is for an organisation', () => {
  const settings = (percent: number | null, exceptions: [string, boolean][] = []) => ({
    rollouts: new Map(percent === null ? [] : [[flag.name, percent]]),
    exceptions: new Map(exceptions.map(([tenantId, isOn]) => [exceptionKey(tenantId, flag.name), isOn])),
  });

  test('[K15.4] exception before share before default', () => {
    const tenantId = newId();
    expect(evaluate(flag, tenantId, settings(null))).toEqual({ isOn: false, reason: 'DEFAULT' });
    expect(evaluate(flag, tenantId, settings(100))).toEqual({ isOn: true, reason: 'STATIC' });
    expect(evaluate(flag, tenantId, settings(100, [[tenantId, false]]))).toEqual({
      isOn: false,
      reason: 'TARGETING_MATCH',
    });
    expect(evaluate(flag, undefined, settings(50))).toEqual({ isOn: false, reason: 'DEFAULT' });
  });

  test('[K15.4] a share of organisations is what it says, and raising it keeps those who are in', () => {
    const tenants = Array.from({ length: 4_000 }, () => newId());
    const isIn = (percent: number) => tenants.filter((id) => evaluate(flag, id, settings(percent)).isOn);
    const [few, many] = [isIn(20), isIn(60)];
    expect(few.length / tenants.length).toBeCloseTo(0.2, 1);
    expect(many.length / tenants.length).toBeCloseTo(0.6, 1);
    const set = new Set(many);
    expect(few.every((id) => set.has(id))).toBe(true);
    expect(new Set(tenants.map((id) => bucketOf('a', id) === bucketOf('b', id)))).toEqual(new Set([true, false]));
  });
});

describe('on a server', () => {
  let server: TestServer;
  let owner: Tenant;
  let other: Tenant;
  beforeAll(async () => {
    server = await startTestServer();
    owner = await server.signUpOwner();
    other = await server.secondTenant();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const appsOf = async ({ client }: Tenant) =>
    (await client.expect(200, 'GET /session')).json.apps.map((app: { id: string }) => app.id);

  test('[K15.4] an application switched off for an organisation is gone there, and only there, until it is switched on', async () => {
    const path = `PUT /admin/flags/app.agents/organisations/${other.principal.tenantId}`;
    await createAgent(other.client);
    await owner.client.expect(204, path, { body: { isOn: false } });
    const refused = await other.client.expect(403, 'GET /agents');
    expect(refused.json.code).toBe('FEATURE_OFF');
    expect(await appsOf(other)).toEqual([]);
    expect(await appsOf(owner)).toEqual(['agents']);
    await owner.client.expect(200, 'GET /agents');
    const list = await owner.client.expect(200, 'GET /admin/flags/app.agents/organisations');
    expect(list.json.items).toMatchObject([{ organisationId: other.principal.tenantId, isOn: false }]);
    await owner.client.expect(204, path, { body: { isOn: null } });
    expect((await other.client.expect(200, 'GET /agents')).json.items).toHaveLength(1);
  });

  test('[K15.4] switched for everybody, listed with what is set, and back to the default', async () => {
    const set = await owner.client.expect(200, 'PUT /admin/flags/app.agents', { body: { rolloutPercent: 0 } });
    expect(set.json).toMatchObject({ name: 'app.agents', default: true, rolloutPercent: 0 });
    await other.client.expect(403, 'GET /agents');
    const listed = await owner.client.expect(200, 'GET /admin/flags');
    expect(listed.json.flags).toContainEqual(expect.objectContaining({ name: 'app.agents', rolloutPercent: 0 }));
    await owner.client.expect(200, 'PUT /admin/flags/app.agents', { body: { rolloutPercent: null } });
    await other.client.expect(200, 'GET /agents');
  });

  test('[K15.4] OpenFeature gives the same answer, and errors the way it should', async () => {
    const { client } = server.services.flags;
    const at = (tenant: Tenant) => ({ targetingKey: tenant.principal.tenantId });
    await owner.client.expect(204, `PUT /admin/flags/app.agents/organisations/${other.principal.tenantId}`, {
      body: { isOn: false },
    });
    expect(await client.getBooleanValue('app.agents', true, at(other))).toBe(false);
    expect(await client.getBooleanDetails('app.agents', false, at(owner))).toMatchObject({
      value: true,
      reason: 'DEFAULT',
    });
    expect(await client.getBooleanDetails('no.such', true, at(owner))).toMatchObject({
      value: true,
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(await client.getStringDetails('app.agents', 'x')).toMatchObject({ value: 'x', errorCode: 'TYPE_MISMATCH' });
    await owner.client.expect(204, `PUT /admin/flags/app.agents/organisations/${other.principal.tenantId}`, {
      body: { isOn: null },
    });
  });

  test('[K15.4] a change reaches another process', async () => {
    const { db, log, flags } = server.services;
    const elsewhere = await createFlagService({ db, log, declared: flags.declared });
    try {
      expect(elsewhere.isOn('app.agents', other.principal.tenantId)).toBe(true);
      await owner.client.expect(200, 'PUT /admin/flags/app.agents', { body: { rolloutPercent: 0 } });
      await waitFor('the news', async () => !elsewhere.isOn('app.agents', other.principal.tenantId));
      await owner.client.expect(200, 'PUT /admin/flags/app.agents', { body: { rolloutPercent: null } });
    } finally {
      await elsewhere.close();
    }
  });

  test('[K15.4] an undeclared flag, an unknown organisation and a share that is none are refused; switching is audited', async () => {
    await owner.client.expect(404, 'PUT /admin/flags/no.such', { body: { rolloutPercent: 1 } });
    await owner.client.expect(404, `PUT /admin/flags/app.agents/organisations/${newId()}`, { body: { isOn: true } });
    await owner.client.expect(400, 'PUT /admin/flags/app.agents', { body: { rolloutPercent: 101 } });
    expect(() => server.services.flags.isOn('no.such', newId())).toThrow('not declared');
    const { tenantId, userId } = owner.principal;
    const rows = await server.services.db.withTenant({ tenantId, userId }, (tx) =>
      tx.query<{ action: string }>({ text: `select action from kernel.audit_records where action like 'flags.%'` }),
    );
    expect(rows.map((row) => row.action)).toEqual(expect.arrayContaining(['flags.set', 'flags.exceptions.set']));
  });
});
