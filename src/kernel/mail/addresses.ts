/** Only plain addresses of one mailbox leave the server, so that no header or second recipient can ride along. */

/** serverTenantId stands for the server itself where a table asks for an organisation. */
export const serverTenantId = '00000000-0000-0000-0000-000000000000';

const longest = 254;
// No spaces, quotes, brackets, commas, colons or control characters: what a form of ours accepts as an address.
const pattern = /^[^\s"(),:;<>@[\\\]\p{Cc}]{1,64}@[^\s"(),:;<>@[\\\]_\p{Cc}]{1,253}$/u;

/** isMailAddress tells whether a message may be sent there. */
export function isMailAddress(text: string): boolean {
  return text.length <= longest && pattern.test(text) && !text.includes('..');
}

/** recipientKey is the same for all spellings of a mailbox that cost nothing: lower case, without `+tag`. */
export function recipientKey(address: string): string {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at).toLowerCase();
  const tag = local.indexOf('+');
  return `${tag > 0 ? local.slice(0, tag) : local}@${address.slice(at + 1).toLowerCase()}`;
}
