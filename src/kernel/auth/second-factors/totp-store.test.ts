/** A code counts while its secret is sealed anew, and never for a secret that was replaced meanwhile. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { owner, startIdentityServer, type IdentityServer } from '../../../testing/identity-server.ts';
import { openBrowser } from '../../../testing/second-factors.ts';
import {
  beginTotp,
  confirmTotp,
  openTotp,
  readTotp,
  removeTotp,
  sealTotp,
  spendStep,
  type StoredTotp,
} from './totp-store.ts';

let server: IdentityServer;
let userId: string;
beforeAll(async () => {
  server = await startIdentityServer();
  const answer = await openBrowser(server).ask('POST /auth/sign-up', { body: owner });
  userId = answer.json.user.id;
});
afterAll(() => server[Symbol.asyncDispose]());

const read = async (): Promise<StoredTotp> =>
  (await server.services.db.withAuth((tx) => readTotp(tx, userId))) as StoredTotp;

/** sealAnew is what a renewal of data keys does to the row. */
async function sealAnew(): Promise<void> {
  const secret = await openTotp(server.services, await read());
  const sealed = await sealTotp(server.services, userId, secret);
  await server.asAuth('update auth.second_factors set totp_secret = $2 where user_id = $1', [userId, sealed]);
}

test('[K2.4] [K9.2] what was read before the secret was sealed anew still confirms it, and spends each step once', async () => {
  const { db } = server.services;
  const begin = async (secret: string) => {
    const sealed = await sealTotp(server.services, userId, secret);
    await db.withAuth((tx) => beginTotp(tx, userId, sealed));
    return read();
  };
  const begun = await begin('first secret');
  await sealAnew();
  expect((await read()).sealed).not.toBe(begun.sealed);
  expect(await db.withAuth((tx) => confirmTotp(tx, begun, 100))).toBe(true);

  const confirmed = await read();
  await sealAnew();
  expect(await db.withAuth((tx) => spendStep(tx, confirmed, 101))).toBe(true);
  expect(await db.withAuth((tx) => spendStep(tx, confirmed, 101))).toBe(false);

  await db.withAuth((tx) => removeTotp(tx, userId));
  const replaced = await begin('second secret');
  expect(await db.withAuth((tx) => confirmTotp(tx, confirmed, 102))).toBe(false);
  expect(await db.withAuth((tx) => confirmTotp(tx, replaced, 102))).toBe(true);
  expect(await db.withAuth((tx) => spendStep(tx, confirmed, 103))).toBe(false);
});
