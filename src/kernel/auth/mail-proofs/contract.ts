/** Links by mail: a forgotten password, an address that is shown to be one's own, a new address. */
import { z } from 'zod';
import { defineContract } from '#kernel/contract';
import { emailAddress, password, secondFactorNeeded, signedInPerson } from '../contract.ts';

const token = z.string().min(20).max(200).describe('What stands behind `#token=` in the link');

export const mailProofsContract = defineContract({
  'POST /auth/password-reset': {
    summary: 'Send a link to choose a new password; says the same whether there is such an account or not',
    body: z.strictObject({ email: emailAddress }),
  },
  'POST /auth/password-reset/look': {
    summary: 'Whether a link to choose a new password still works',
    body: z.strictObject({ token }),
    response: z.strictObject({ email: z.string().describe('Whose password it is'), name: z.string() }),
  },
  'POST /auth/password-reset/finish': {
    summary: 'Choose a new password with the link, end every session, and sign in; a second factor is still asked for',
    body: z.strictObject({ token, password }),
    response: z.union([signedInPerson, secondFactorNeeded]),
  },
  'POST /auth/email-verification': { summary: 'Send a link to show that my address is mine' },
  'POST /auth/email-verification/finish': {
    summary: 'Use the link: the address counts as mine, or becomes the new address of the account',
    body: z.strictObject({ token }),
    response: z.strictObject({ email: z.string(), isNewAddress: z.boolean() }),
  },
  'POST /profile/email': {
    summary: 'Ask for another e-mail address; it changes when the link sent there is used',
    body: z.strictObject({ email: emailAddress }),
  },
});
