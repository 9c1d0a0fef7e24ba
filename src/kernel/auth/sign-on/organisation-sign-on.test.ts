/** An organisation's own sign-on: domains and their proof, enforcement, and how a provider is connected. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../../testing/client.ts';
import { strongPassword } from '../../../testing/server.ts';
import { startOrganisation, type Organisation } from '../../../testing/sign-on/organisation.ts';
import { testCertificate } from '../../../testing/sign-on/saml-provider.ts';
import { secondTeam } from '../../../testing/team-fixture.ts';

let corp: Organisation;
let server: Organisation['server'],
  dns: Organisation['dns'],
  idp: Organisation['idp'],
  owner: Organisation['owner'],
  connection: Organisation['connection'],
  browser: Organisation['browser'],
  signOn: Organisation['signOn'];

beforeAll(async () => {
  corp = await startOrganisation();
  ({ server, dns, idp, owner, connection, browser, signOn } = corp);
});
afterAll(() => corp?.[Symbol.asyncDispose]());

describe('domains', () => {
  const route = async (email: string) =>
    (await server.anonymous.expect(200, 'POST /auth/sign-on/route', { body: { email } })).json.connection;

  test('[K2.5] an address of a proved domain leads to the organisation, whoever it is; an unproved one nowhere', async () => {
    const expected = { id: connection.id, name: 'Corp', isEnforced: false };
    expect(await route('Grace@CORP.example')).toEqual(expected);
    expect(await route('nobody@corp.example')).toEqual(expected);
    expect(await route('nobody@sub.corp.example')).toBeNull();
    const claimed = await owner.client.expect(201, `POST /sso-connections/${connection.id}/domains`, {
      body: { domain: 'waiting.example' },
    });
    expect(await route('nobody@waiting.example')).toBeNull();
    const unproved = await owner.client.expect(409, `POST /sso-domains/${claimed.json.id}/verify`);
    expect(unproved.json.code).toBe('SSO_DOMAIN_UNPROVED');
    dns.txt.set('waiting.example', ['bulkhead-verify=another']);
    await owner.client.expect(409, `POST /sso-domains/${claimed.json.id}/verify`);
  });

  test('[K2.5] a domain that one organisation has proved cannot be proved by another', async () => {
    const thief = await secondTeam(server);
    const body = { name: 'Thief', kind: 'saml', metadataXml: idp.metadata };
    const theirs = (await thief.client.expect(201, 'POST /sso-connections', { body })).json;
    const claimed = await thief.client.expect(201, `POST /sso-connections/${theirs.id}/domains`, {
      body: { domain: 'corp.example' },
    });
    dns.txt.get('corp.example')?.push(claimed.json.record);
    const taken = await thief.client.expect(409, `POST /sso-domains/${claimed.json.id}/verify`);
    expect(taken.json.code).toBe('SSO_DOMAIN_TAKEN');
  });

  test('[K2.5] who runs the server may confirm a domain where no DNS can', async () => {
    const operator = createClient(server.url);
    await operator.expect(200, 'POST /auth/sign-in', {
      body: { identifier: 'ada@example.com', password: strongPassword },
    });
    const claimed = await owner.client.expect(201, `POST /sso-connections/${connection.id}/domains`, {
      body: { domain: 'inner.example' },
    });
    await owner.client.expect(403, 'POST /operator/sso-domains/confirm', { body: { domainId: claimed.json.id } });
    const waiting = await operator.expect(200, 'GET /operator/sso-domains');
    expect(waiting.json.items).toContainEqual(expect.objectContaining({ domain: 'inner.example' }));
    await operator.expect(204, 'POST /operator/sso-domains/confirm', { body: { domainId: claimed.json.id } });
    expect((await route('x@inner.example'))?.id).toBe(connection.id);
    const shown = await owner.client.expect(200, `GET /sso-connections/${connection.id}`);
    expect(shown.json.domains).toContainEqual(
      expect.objectContaining({ domain: 'inner.example', isVerified: true, verifiedBy: 'operator' }),
    );
  });
});

describe('enforcement', () => {
  test('[K2.5] members of the domain must come through the provider; the owner’s password still opens', async () => {
    const person = { name: 'Mia', email: 'mia@corp.example', password: strongPassword };
    const mia = browser();
    await mia.expect(201, 'POST /auth/sign-up', { body: person });
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `insert into auth.members (tenant_id, user_id, role) select $1, id, 'member' from auth.users where email = $2`,
        values: [owner.principal.tenantId, person.email],
      }),
    );
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `update auth.users set email = 'boss@corp.example' where id = $1`,
        values: [owner.principal.userId],
      }),
    );
    await signOn(browser());
    await owner.client.expect(200, `PATCH /sso-connections/${connection.id}`, { body: { isEnforced: true } });
    const byPassword = (identifier: string, password = strongPassword) =>
      browser().ask('POST /auth/sign-in', { body: { identifier, password } });
    const refused = await byPassword('mia@corp.example');
    expect([refused.status, refused.json.code]).toEqual([403, 'SIGN_ON_REQUIRED']);
    expect((await byPassword('mia@corp.example', 'wrong')).json.code).toBe('SIGN_IN_FAILED');
    const device = await fetch(`${server.url}/api/v1/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: 'mia@corp.example', password: strongPassword, deviceName: 'Phone' }),
    });
    expect([device.status, await device.text()]).toEqual([403, expect.stringContaining('SIGN_ON_REQUIRED')]);
    const stranger = { name: 'Stranger', email: 'ceo@corp.example', password: strongPassword };
    const taken = await browser().expect(403, 'POST /auth/sign-up', { body: stranger });
    expect(taken.json.code).toBe('SIGN_ON_REQUIRED');
    expect((await byPassword('boss@corp.example')).status).toBe(200);
    expect((await byPassword('ada@example.com')).status).toBe(200);
    // Mia never proved her address, so that her account is not simply handed over either.
    expect((await signOn(browser(), { nameId: 'mia@corp.example' })).json.code).toBe('SIGN_ON_LINK_FIRST');
    await server.services.db.withAuth((tx) =>
      tx.query({ text: `update auth.users set email_verified = true where email = 'mia@corp.example'` }),
    );
    expect((await signOn(browser(), { nameId: 'mia@corp.example' })).json.outcome).toBe('signed-in');
    // Another address does not lead around the provider, and neither does unlinking it.
    const inside = browser();
    expect((await signOn(inside, { nameId: 'mia@corp.example' })).json.outcome).toBe('signed-in');
    await server.services.db.withAuth((tx) =>
      tx.query({ text: `update auth.users set email = 'mia@private.example' where email = 'mia@corp.example'` }),
    );
    expect((await byPassword('mia@private.example')).json.code).toBe('SIGN_ON_REQUIRED');
    const [link] = (await inside.expect(200, 'GET /profile/linked-accounts')).json.items;
    const kept = await inside.expect(403, `DELETE /profile/linked-accounts/${link.id}`);
    expect(kept.json.code).toBe('SIGN_ON_REQUIRED');
    await owner.client.expect(200, `PATCH /sso-connections/${connection.id}`, { body: { isEnforced: false } });
    expect((await byPassword('mia@private.example')).status).toBe(200);
    await inside.expect(204, `DELETE /profile/linked-accounts/${link.id}`);
  });

  test('[K2.5] it cannot be switched on before the way has worked', async () => {
    const other = await secondTeam(server);
    const body = { name: 'New', kind: 'saml', metadataXml: idp.metadata };
    const { json } = await other.client.expect(201, 'POST /sso-connections', { body });
    const answer = await other.client.expect(409, `PATCH /sso-connections/${json.id}`, { body: { isEnforced: true } });
    expect(answer.json.code).toBe('SSO_ENFORCEMENT_NEEDS_PROOF');
  });
});

describe('connections', () => {
  test('[K2.5] [K3.1] a personal organisation has no provider, by which others would join it', async () => {
    const { client } = await server.secondTenant();
    const body = { name: 'Home', kind: 'saml', metadataXml: idp.metadata };
    const refused = await client.expect(409, 'POST /sso-connections', { body });
    expect(refused.json.code).toBe('ORGANISATION_PERSONAL');
    expect((await client.expect(200, 'GET /sso-connections')).json.items).toEqual([]);
  });

  test('[K2.5] a wrong entry is told at its field', async () => {
    const tries: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ kind: 'oidc', issuer: 'http://id.example.com', clientId: 'x' }, '/body/issuer'],
      [{ kind: 'oidc', issuer: 'https://id.example.com' }, '/body/clientId'],
      [{ kind: 'saml' }, '/body/metadataXml'],
      [{ kind: 'saml', issuer: 'x' }, '/body/signOnUrl'],
      [{ kind: 'saml', issuer: 'x', signOnUrl: 'https://id.example.com/sso' }, '/body/certificates'],
      [{ kind: 'saml', metadataUrl: 'http://127.0.0.1:9/metadata' }, '/body/metadataUrl'],
    ];
    for (const [entry, pointer] of tries) {
      const answer = await owner.client.expect(400, 'POST /sso-connections', { body: { name: 'X', ...entry } });
      expect(answer.json.errors[0].pointer).toBe(pointer);
    }
    for (const metadataXml of [
      '<a',
      '<EntityDescriptor/>',
      `<!DOCTYPE a><a/>`,
      idp.metadata.replaceAll('IDPSSODescriptor', 'X'),
    ]) {
      const answer = await owner.client.expect(400, 'POST /sso-connections', {
        body: { name: 'X', kind: 'saml', metadataXml },
      });
      expect(answer.json.code).toBe('SSO_METADATA_INVALID');
    }
    const named = { name: 'Corp', kind: 'saml', metadataXml: idp.metadata };
    expect((await owner.client.expect(409, 'POST /sso-connections', { body: named })).json.errors[0].pointer).toBe(
      '/body/name',
    );
  });

  test('[K9.1] a client secret is sealed, never answered, and does not travel to another issuer', async () => {
    const secret = 'a-very-secret-client-secret';
    const body = { name: 'Oidc', kind: 'oidc', issuer: 'https://id.example.com', clientId: 'c', clientSecret: secret };
    const { json, text } = await owner.client.expect(201, 'POST /sso-connections', { body });
    expect([json.clientSecretLastFour, text.includes(secret)]).toEqual([secret.slice(-4), false]);
    const [row] = await server.services.db.withAuth((tx) =>
      tx.query<{ sealed: string }>({
        text: 'select client_secret_ciphertext as sealed from auth.sso_connections where id = $1',
        values: [json.id],
      }),
    );
    expect(row?.sealed).toMatch(/^v1\./);
    const moved = await owner.client.expect(400, `PATCH /sso-connections/${json.id}`, {
      body: { issuer: 'https://evil.example' },
    });
    expect(moved.json.code).toBe('SSO_SECRET_REQUIRED');
    await owner.client.expect(200, `PATCH /sso-connections/${json.id}`, { body: { name: 'Renamed' } });
    await owner.client.expect(204, `DELETE /sso-connections/${json.id}`);
    await owner.client.expect(404, `GET /sso-connections/${json.id}`);
  });

  test('[K2.5] certificates show when they end, and a test says how things stand', async () => {
    const shown = await owner.client.expect(200, `GET /sso-connections/${connection.id}`);
    expect(shown.json.certificates).toEqual([
      expect.objectContaining({
        isExpired: false,
        expiresAt: expect.stringMatching(/^21/),
        subject: 'CN=Test identity provider',
      }),
    ]);
    const tested = await owner.client.expect(200, `POST /sso-connections/${connection.id}/test`);
    expect(tested.json).toMatchObject({ isOk: true });
    const byHand = { name: 'By hand', kind: 'saml', issuer: 'urn:idp', signOnUrl: 'https://id.example.com/sso' };
    const made = await owner.client.expect(201, 'POST /sso-connections', {
      body: { ...byHand, certificates: [testCertificate.replaceAll(/-----[^-]+-----|\n/g, '')] },
    });
    expect(made.json).toMatchObject({ issuer: 'urn:idp', signOnUrl: 'https://id.example.com/sso' });
    const dead = { name: 'Dead', kind: 'oidc', issuer: 'https://127.0.0.1:1', clientId: 'c' };
    const { json } = await owner.client.expect(201, 'POST /sso-connections', { body: dead });
    const failed = await owner.client.expect(200, `POST /sso-connections/${json.id}/test`);
    expect(failed.json).toMatchObject({ isOk: false, detail: expect.stringMatching(/cannot be reached/) });
  });

  test('[K3.1] an admin sees it and changes nothing: who chooses the provider could come in as an owner', async () => {
    const admin = browser();
    await signOn(admin, { nameId: 'admin@corp.example' });
    await server.services.db.withAuth((tx) =>
      tx.query({
        text: `update auth.members set role = 'admin' where tenant_id = $1
                 and user_id = (select id from auth.users where email = 'admin@corp.example')`,
        values: [owner.principal.tenantId],
      }),
    );
    await admin.expect(200, `GET /sso-connections/${connection.id}`);
    const body = { issuer: 'https://mine.example', defaultRole: 'admin' };
    await admin.expect(403, `PATCH /sso-connections/${connection.id}`, { body });
    await admin.expect(403, 'POST /sso-connections', {
      body: { name: 'Mine', kind: 'saml', metadataXml: idp.metadata },
    });
    await admin.expect(403, `POST /sso-connections/${connection.id}/domains`, { body: { domain: 'mine.example' } });
  });

  test('[K5.1] metadata that is made to take long is refused at once', async () => {
    for (const metadataXml of ['<!--'.repeat(70_000), '<?'.repeat(140_000), '<a '.repeat(90_000)]) {
      const start = performance.now();
      await owner.client.expect(400, 'POST /sso-connections', { body: { name: 'Slow', kind: 'saml', metadataXml } });
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  test('[K3.5] a member sees and changes nothing of it', async () => {
    const viewer = browser();
    await signOn(viewer);
    await viewer.expect(403, 'GET /sso-connections');
    await viewer.expect(403, `DELETE /sso-connections/${connection.id}`);
  });
});
