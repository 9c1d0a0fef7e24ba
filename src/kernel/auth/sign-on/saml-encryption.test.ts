/** Our own SAML key: assertions encrypted for it are opened, requests signed with it hold, and nothing else changes. */
import { createHash, createVerify, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrganisation, type Organisation } from '../../../testing/sign-on/organisation.ts';
import { type SamlAnswer } from '../../../testing/sign-on/saml-provider.ts';
import { secondTeam } from '../../../testing/team-fixture.ts';

let corp: Organisation;
let server: Organisation['server'],
  idp: Organisation['idp'],
  owner: Organisation['owner'],
  connection: Organisation['connection'],
  browser: Organisation['browser'],
  leave: Organisation['leave'],
  target: Organisation['target'],
  post: Organisation['post'],
  signOn: Organisation['signOn'];
let metadata = '';

const readMetadata = async () =>
  (await server.anonymous.expect(200, `GET /auth/sign-on/saml-metadata?connection=${connection.id}`)).text;

beforeAll(async () => {
  corp = await startOrganisation();
  ({ server, idp, owner, connection, browser, leave, target, post, signOn } = corp);
  metadata = await readMetadata();
}, 120_000);
afterAll(() => corp?.[Symbol.asyncDispose]());

const certificatesOf = (xml: string, use: string) =>
  [...xml.matchAll(new RegExp(`use="${use}">[\\s\\S]*?<ds:X509Certificate>([^<]+)<`, 'g'))].map(
    ([, text = '']) => new X509Certificate(Buffer.from(text, 'base64')),
  );

const lastProblem = async () =>
  (await owner.client.expect(200, `GET /sso-connections/${connection.id}`)).json.lastProblem?.detail;

test('[K2.5] the metadata is a download with a certificate to encrypt for; its key is sealed and never answered', async () => {
  const answer = await server.anonymous.expect(200, `GET /auth/sign-on/saml-metadata?connection=${connection.id}`);
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="bulkhead-metadata.xml"');
  const [certificate] = certificatesOf(metadata, 'encryption');
  expect(certificate?.verify(certificate.publicKey)).toBe(true);
  expect(certificate?.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048 });
  expect(connection.ownCertificate.pem.trim()).toBe(certificate?.toString().trim());
  const [row] = await server.services.db.withAuth((tx) =>
    tx.query<{ sealed: string }>({
      text: 'select private_key_ciphertext as sealed from auth.sso_connections where id = $1',
      values: [connection.id],
    }),
  );
  expect(row?.sealed).toMatch(/^v1\./);
  const shown = await owner.client.expect(200, `GET /sso-connections/${connection.id}`);
  expect(shown.text).not.toMatch(/PRIVATE KEY|v1\./);
});

const ciphers = [
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
];
test.each(ciphers)('[K2.5] an assertion encrypted for us with %s signs on', async (cipher) => {
  const client = browser();
  expect((await signOn(client, { encryptFor: metadata, cipher })).json.outcome).toBe('signed-in');
  expect((await client.expect(200, 'GET /session')).json.user).toMatchObject({ email: 'grace@corp.example' });
});

const refused: readonly (readonly [string, SamlAnswer, RegExp])[] = [
  ['whose key is wrapped by RSA 1.5', { wrapping: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5' }, /RSA-OAEP/],
  ['by triple DES', { cipher: 'http://www.w3.org/2001/04/xmlenc#tripledes-cbc' }, /AES/],
  ['that nobody signed', { isUnsigned: true }, /signature/],
  ['that somebody else signed', { isForeign: true }, /signature/],
  ['that is signed with SHA-1', { algorithm: 'sha1' }, /SHA-256/],
  ['for another audience', { audience: 'https://other.example' }, /audience mismatch/],
];
test.each(refused)('[K2.5] an encrypted assertion %s is refused like a plain one', async (_what, answer, reason) => {
  expect((await signOn(browser(), { encryptFor: metadata, ...answer })).json.code).toBe('SIGN_ON_REFUSED');
  await expect.poll(lastProblem).toMatch(reason);
});

test('[K2.5] what is encrypted for another key, cut off, or changed on the way is refused with one answer', async () => {
  const stranger = await secondTeam(server);
  const body = { name: 'Else', kind: 'saml', metadataXml: idp.metadata };
  const other = (await stranger.client.expect(201, 'POST /sso-connections', { body })).json;
  const { text } = await server.anonymous.expect(200, `GET /auth/sign-on/saml-metadata?connection=${other.id}`);
  expect((await signOn(browser(), { encryptFor: text })).json.code).toBe('SIGN_ON_REFUSED');
  await expect.poll(lastProblem).toMatch(/not encrypted for our present certificate/);

  const { id, relayState } = await leave(browser());
  const xml = Buffer.from(await idp.answer(target(id), { encryptFor: metadata }), 'base64').toString();
  const [, value = ''] = /<(?:\w+:)?CipherValue>([^<]{2000,})</.exec(xml) ?? [];
  const bytes = Buffer.from(value, 'base64');
  const flipped = Buffer.from(bytes);
  flipped[flipped.length - 20] = (flipped.at(-20) ?? 0) ^ 1;
  const changes = [
    xml.replace(value, flipped.toString('base64')),
    xml.replace(value, bytes.subarray(0, -16).toString('base64')),
    xml.replace(value, bytes.subarray(0, 16).toString('base64')),
    xml.replace(value, ''),
    xml.replace(/<\/(?:\w+:)?EncryptedAssertion>/, ''),
    xml.replace(/<(\w+:)EncryptedAssertion.*EncryptedAssertion>/s, (whole) => whole + whole),
  ];
  for (const change of changes) {
    expect(change).not.toBe(xml);
    const address = await post(Buffer.from(change).toString('base64'), relayState);
    expect(address.pathname + address.search).toBe('/sign-in?problem=SIGN_ON_REFUSED');
  }
});

test('[K2.5] requests are signed where the organisation asks for that, with the certificate in the metadata', async () => {
  const route = `PATCH /sso-connections/${connection.id}`;
  const startUrl = async () => {
    const { json } = await browser().expect(200, 'POST /auth/sign-on/start', { body: { provider: connection.id } });
    return new URL(json.url);
  };
  expect((await startUrl()).searchParams.has('Signature')).toBe(false);
  expect(certificatesOf(metadata, 'signing')).toEqual([]);
  await owner.client.expect(200, route, { body: { signsRequests: true } });
  const [certificate] = certificatesOf(await readMetadata(), 'signing');
  const url = await startUrl();
  const query = url.search.slice(1);
  const signed = query.slice(0, query.indexOf('&Signature='));
  expect(signed).toMatch(
    /^SAMLRequest=[^&]+&RelayState=[^&]+&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256$/,
  );
  const isGood = createVerify('sha256')
    .update(signed)
    .verify(certificate?.publicKey ?? '', url.searchParams.get('Signature') ?? '', 'base64');
  expect(isGood).toBe(true);
  expect((await signOn(browser())).json.outcome).toBe('signed-in');
  const wanting = idp.metadata.replace('<IDPSSODescriptor', '<IDPSSODescriptor WantAuthnRequestsSigned="true"');
  const [, again] = [
    await owner.client.expect(200, route, { body: { signsRequests: false } }),
    await owner.client.expect(200, route, {
      body: {
        metadataXml: wanting.replace(/(WantAuthnRequestsSigned="true"[^>]*?)WantAuthnRequestsSigned="false"/, '$1'),
      },
    }),
  ];
  expect(again.json.signsRequests).toBe(true);
  await owner.client.expect(200, route, { body: { signsRequests: false } });
  const oidc = { name: 'O', kind: 'oidc', issuer: 'https://id.example.com', clientId: 'c', signsRequests: true };
  const wrong = await owner.client.expect(400, 'POST /sso-connections', { body: oidc });
  expect(wrong.json.errors[0].pointer).toBe('/body/signsRequests');
});

test('[K2.5] a connection from before there were keys gets one, and only one, when it is asked for', async () => {
  await server.services.db.withAuth((tx) =>
    tx.query({
      text: 'update auth.sso_connections set private_key_ciphertext = null, own_certificate = null where id = $1',
      values: [connection.id],
    }),
  );
  const texts = await Promise.all([readMetadata(), readMetadata(), readMetadata()]);
  expect(new Set(texts.map((text) => createHash('sha256').update(text).digest('hex'))).size).toBe(1);
  expect((await signOn(browser(), { encryptFor: texts[0] ?? '' })).json.outcome).toBe('signed-in');
  expect((await signOn(browser(), { encryptFor: metadata })).json.code).toBe('SIGN_ON_REFUSED');
});
