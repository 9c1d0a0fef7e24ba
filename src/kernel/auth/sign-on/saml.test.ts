/** SAML against samlify's identity provider: what is accepted, and all that is not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOrganisation, type Organisation } from '../../../testing/sign-on/organisation.ts';
import { readServiceProvider, type SamlAnswer } from '../../../testing/sign-on/saml-provider.ts';

let corp: Organisation;
let server: Organisation['server'],
  idp: Organisation['idp'],
  owner: Organisation['owner'],
  connection: Organisation['connection'],
  browser: Organisation['browser'],
  leave: Organisation['leave'],
  target: Organisation['target'],
  post: Organisation['post'],
  finish: Organisation['finish'],
  signOn: Organisation['signOn'];

beforeAll(async () => {
  corp = await startOrganisation();
  ({ server, idp, owner, connection, browser, leave, target, post, finish, signOn } = corp);
});
afterAll(() => corp?.[Symbol.asyncDispose]());

async function actions(tenantId: string): Promise<string[]> {
  const rows = await server.services.db.withAuth((tx) =>
    tx.query<{ action: string }>({
      text: 'select action from kernel.audit_records where tenant_id = $1 order by sequence',
      values: [tenantId],
    }),
  );
  return rows.map(({ action }) => action);
}

describe('assertions', () => {
  test('[K2.5] a signed assertion signs on, makes the person and the membership in the role that was set', async () => {
    const client = browser();
    const answer = await signOn(client);
    expect(answer.json).toMatchObject({ outcome: 'signed-in', isNew: true });
    const session = await client.expect(200, 'GET /session');
    expect(session.json).toMatchObject({
      user: { email: 'grace@corp.example', name: 'Grace Hopper' },
      organisation: { id: owner.principal.tenantId },
      role: 'viewer',
    });
    expect((await signOn(browser())).json).toMatchObject({ outcome: 'signed-in', isNew: false });
    expect(await actions(owner.principal.tenantId)).toEqual(
      expect.arrayContaining([
        'sign-on.connection.create',
        'sign-on.domain.claim',
        'sign-on.domain.verify',
        'auth.sso.join',
      ]),
    );
  });

  const refused: readonly (readonly [string, SamlAnswer, RegExp])[] = [
    ['an unsigned assertion', { isUnsigned: true }, /signature/],
    ['one signed by somebody else', { isForeign: true }, /signature/],
    ['one for another audience', { audience: 'https://other.example' }, /audience mismatch/],
    ['one for another address', { recipient: 'https://other.example/acs' }, /not addressed to this server/],
    ['one that has expired', { secondsLeft: -120, age: 300 }, /subject confirmation/],
    ['one issued an hour ago that says it is still good', { secondsLeft: 3600, age: 3600 }, /subject confirmation/],
    ['one from the future', { age: -600 }, /not yet valid/],
    ['one from another issuer', { issuer: 'https://other.example' }, /another issuer/],
    ['an answer to another request', { inResponseTo: '_0190d6c2-8a5b-7c3d-9e4f-1a2b3c4d5e6f' }, /InResponseTo/],
    ['one signed with SHA-1', { algorithm: 'sha1' }, /SHA-256/],
  ];
  test.each(refused)('[K2.5] %s is refused, and the connection says why', async (_what, answer, reason) => {
    const client = browser();
    expect((await signOn(client, answer)).json.code).toBe('SIGN_ON_REFUSED');
    await client.expect(401, 'GET /session');
    await expect
      .poll(async () => (await owner.client.expect(200, `GET /sso-connections/${connection.id}`)).json.lastProblem)
      .toMatchObject({ detail: expect.stringMatching(reason) });
    expect((await signOn(client)).json.outcome).toBe('signed-in');
  });

  test('[K2.5] a wrapped signature is refused: what is signed is what counts', async () => {
    const { id, relayState } = await leave(browser());
    const xml = Buffer.from(await idp.answer(target(id)), 'base64').toString();
    const signed = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
    const forged = signed
      .replace(/<(?:ds:)?Signature[\s\S]*?<\/(?:ds:)?Signature>/, '')
      .replaceAll('grace@corp.example', 'ceo@corp.example')
      .replace(/ID="[^"]*"/, 'ID="_forged"');
    const signature = /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(signed)?.[0] ?? '';
    const id1 = / ID="([^"]*)"/.exec(signed)?.[1] ?? '';
    const wrappings = [
      xml.replace(signed, forged + signed),
      xml.replace(signed, signed + forged),
      xml.replace(signed, forged.replace('</saml:Assertion>', `<saml:Advice>${signed}</saml:Advice></saml:Assertion>`)),
      xml
        .replace(signed, forged)
        .replace('</samlp:Status>', `</samlp:Status><samlp:Extensions>${signed}</samlp:Extensions>`),
      xml.replaceAll('grace@corp.example', 'ceo@corp.example'),
      xml.replaceAll('grace@corp.example', 'ceo@corp.example<!-- -->.evil'),
      // A prefix that not every pattern takes for one.
      xml.replace(signed, forged.replaceAll('saml:', 'sämil:').replace('xmlns:saml=', 'xmlns:sämil=') + signed),
      // The signed one as an object of the forged one's signature.
      xml.replace(
        signed,
        forged.replace(
          '<saml:Subject>',
          `${signature.replace('</ds:Signature>', `<ds:Object>${signed}</ds:Object></ds:Signature>`)}<saml:Subject>`,
        ),
      ),
      // The forged one is moved into the answer that the signed one stands in, and both have one id.
      xml.replace(signed, forged.replace('ID="_forged"', `ID="${id1}"`) + signed),
      xml.replace('<samlp:Status>', `<samlp:Extensions>${forged}</samlp:Extensions><samlp:Status>`),
      // The whole answer once more around itself.
      xml
        .replace(
          '</samlp:Response>',
          `<samlp:Extensions>${xml.replace(/^<\?xml[^>]*\?>/, '')}</samlp:Extensions></samlp:Response>`,
        )
        .replace('grace@corp.example', 'ceo@corp.example'),
    ];
    for (const wrapping of wrappings) {
      expect(wrapping).not.toBe(xml);
      const address = await post(Buffer.from(wrapping).toString('base64'), relayState);
      expect(address.pathname + address.search).toBe('/sign-in?problem=SIGN_ON_REFUSED');
    }
  });

  test('[K2.5] entities, document types and what is no XML never reach a parser', async () => {
    const { relayState } = await leave(browser());
    const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>`;
    for (const text of [bomb, 'no xml', '<a/>', '<a'.repeat(1000)]) {
      const address = await post(Buffer.from(text).toString('base64'), relayState);
      expect(address.search).toBe('?problem=SIGN_ON_REFUSED');
    }
  });

  test('[K5.1] an answer that is made to take long is refused at once', async () => {
    const { id, relayState } = await leave(browser());
    const xml = Buffer.from(await idp.answer(target(id)), 'base64').toString();
    const put = (text: string) => xml.replace('<saml:Subject>', `${text}<saml:Subject>`);
    const attributes = Array.from({ length: 20_000 }, (_, index) => `a${index}="1"`).join(' ');
    for (const text of [
      '<a/>'.repeat(50_000),
      '<a>'.repeat(1_000) + '</a>'.repeat(1_000),
      `<a ${attributes}/>`,
      '<!--x-->'.repeat(20_000),
      '<?x?>'.repeat(20_000),
    ]) {
      const start = performance.now();
      expect((await post(Buffer.from(put(text)).toString('base64'), relayState)).search).toBe(
        '?problem=SIGN_ON_REFUSED',
      );
      expect(performance.now() - start).toBeLessThan(10_000);
    }
  });

  test('[K2.5] a provider that refuses is quoted by its code to who keeps the connection, and to nobody else', async () => {
    const { id, relayState } = await leave(browser());
    const xml = Buffer.from(await idp.answer(target(id)), 'base64').toString();
    const codes = ['Responder', 'AuthnFailed'].map((code) => `urn:oasis:names:tc:SAML:2.0:status:${code}`);
    const status = `<samlp:StatusCode Value="${codes[0]}"><samlp:StatusCode Value="${codes[1]}"/></samlp:StatusCode>`;
    const refusal = xml
      .replace(/<saml:Assertion[\s\S]*<\/saml:Assertion>/, '')
      .replace(/<samlp:StatusCode[^>]*\/>/, status);
    const address = await post(Buffer.from(refusal).toString('base64'), relayState);
    expect(address.search).toBe('?problem=SIGN_ON_REFUSED');
    await expect
      .poll(
        async () => (await owner.client.expect(200, `GET /sso-connections/${connection.id}`)).json.lastProblem?.detail,
      )
      .toBe('the provider refused: Responder, AuthnFailed');
  });

  test('[K2.5] an answer that was sent to another destination is refused', async () => {
    const answer = await signOn(browser(), { destination: 'https://other.example/acs' });
    expect(answer.json.code).toBe('SIGN_ON_REFUSED');
  });

  test('[K2.5] an answer counts once, in the browser that asked, and unasked answers never', async () => {
    const client = browser();
    const { id, relayState } = await leave(client);
    const response = await idp.answer(target(id));
    const address = await post(response, relayState);
    expect((await post(response, relayState)).search).toBe('?problem=SIGN_ON_EXPIRED');
    expect((await finish(browser(), address)).json.code).toBe('SIGN_ON_EXPIRED');
    const other = browser();
    await leave(other);
    expect((await finish(other, address)).json.code).toBe('SIGN_ON_EXPIRED');
    expect((await finish(client, address)).json.outcome).toBe('signed-in');
    expect((await finish(client, address)).json.code).toBe('SIGN_ON_EXPIRED');
    expect((await post(response, relayState)).search).toBe('?problem=SIGN_ON_EXPIRED');
    for (const state of ['', '/evil', 'https://evil.example', '//evil.example'])
      expect((await post(response, state)).href).toBe(`${server.url}/sign-in?problem=SIGN_ON_EXPIRED`);
  });

  test('[K2.5] the same assertion is refused a second time even where the request is answered anew', async () => {
    const client = browser();
    const first = await leave(client);
    const assertionId = '_the-same-assertion';
    await post(await idp.answer(target(first.id), { assertionId }), first.relayState);
    const second = await leave(client);
    const address = await post(await idp.answer(target(second.id), { assertionId }), second.relayState);
    expect(address.search).toBe('?problem=SIGN_ON_EXPIRED');
  });

  test('[K2.5] linking goes by the same domains', async () => {
    const { client } = await server.secondTenant();
    const link = async (nameId: string) => {
      const { json } = await client.expect(200, 'POST /auth/sign-on/link', { body: { provider: connection.id } });
      const { id, relayState } = await idp.readRequest(json.url);
      return finish(client, await post(await idp.answer(target(id), { nameId }), relayState));
    };
    expect((await link('guest@elsewhere.example')).json.code).toBe('SIGN_ON_WRONG_DOMAIN');
    expect((await link('linked@corp.example')).json.outcome).toBe('linked');
  });

  test('[K2.5] two first answers of one person at once make one account', async () => {
    const twins = await Promise.all(
      [browser(), browser()].map(async (client) => {
        const { id, relayState } = await leave(client);
        return {
          client,
          address: await post(await idp.answer(target(id), { nameId: 'twin@corp.example' }), relayState),
        };
      }),
    );
    const answers = await Promise.all(twins.map(({ client, address }) => finish(client, address)));
    expect(answers.map(({ json }) => json.outcome)).toEqual(['signed-in', 'signed-in']);
    const [one, two] = await Promise.all(twins.map(({ client }) => client.expect(200, 'GET /session')));
    expect(one?.json.user.id).toBe(two?.json.user.id);
  });

  test('[K2.5] an address outside the organisation’s verified domains is refused', async () => {
    const answer = await signOn(browser(), { nameId: 'ada@example.com' });
    expect([answer.status, answer.json.code]).toEqual([403, 'SIGN_ON_WRONG_DOMAIN']);
  });

  test('[K2.5] our metadata is read by the provider', async () => {
    const answer = await server.anonymous.expect(200, `GET /auth/sign-on/saml-metadata?connection=${connection.id}`);
    expect(answer.headers.get('content-type')).toBe('application/samlmetadata+xml');
    const { entityId, acsUrl } = connection;
    expect(readServiceProvider(answer.text)).toEqual({ entityId, acsUrl, wantsSigned: true });
    await server.anonymous.expect(404, `GET /auth/sign-on/saml-metadata?connection=${owner.principal.tenantId}`);
  });
});
