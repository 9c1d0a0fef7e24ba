/** The HTTP contract of an organisation's picture. Of people's pictures kernel/auth has the contract. */
import { z } from 'zod';
import { defineContract } from '#kernel/contract';

const url = z.string().describe('Signed path; it works for members and ends within a day');

export const organisationPicture = z.strictObject({
  picture: z.strictObject({ smallUrl: url, largeUrl: url }).nullable().describe('For 96 and for 512 pixels'),
});

export const imagesContract = defineContract({
  'GET /organisation/picture': { summary: 'The picture of the organisation', response: organisationPicture },
  'PUT /organisation/picture': {
    summary: 'Set the picture of the organisation: JPEG, PNG or WebP; the middle of it is cut to a square',
    upload: true,
    response: organisationPicture,
  },
  'DELETE /organisation/picture': { summary: 'Remove the picture of the organisation', response: organisationPicture },
});

export type OrganisationPicture = z.input<typeof organisationPicture>;
