/** Addresses that programs look for on every site: whom to tell of a weakness, where to change a password, what to crawl (K8.3). */
import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from '#kernel/config';
import { kernelErrors } from '#kernel/errors';
import { answersHead } from './health.ts';

const dayMilliseconds = 86_400_000;
/** RFC 9116 wants less than a year; half of one is renewed with every answer. */
const validDays = 180;

/** policyPath is where this server says how weaknesses are handled and what is defended. */
const policyPath = '/security-policy';

/** findContact is where reports go: SECURITY_CONTACT, else the sender of our mail; null when neither is set. */
function findContact({ securityContact, mailFrom }: Config): string | null {
  const given = securityContact ?? /<([^>]+)>/.exec(mailFrom ?? '')?.[1] ?? mailFrom;
  if (given === undefined) return null;
  return given.startsWith('https://') ? given : `mailto:${encodeURIComponent(given).replaceAll('%40', '@')}`;
}

/** renderSecurityTxt is the file of RFC 9116, or null when nobody is named whom one could tell. */
export function renderSecurityTxt(config: Config, now: number): string | null {
  const contact = findContact(config);
  if (contact === null) return null;
  // To the day, so that the file stays the same for caches.
  const expires = new Date((Math.floor(now / dayMilliseconds) + validDays) * dayMilliseconds);
  const origin = config.publicUrl && new URL(config.publicUrl).origin;
  const fields = [
    `Contact: ${contact}`,
    `Expires: ${expires.toISOString().replace('.000Z', 'Z')}`,
    'Preferred-Languages: en',
    // Only our configured address: what a request claims to be its host is nobody's word.
    ...(origin ? [`Canonical: ${origin}/.well-known/security.txt`, `Policy: ${origin}${policyPath}`] : []),
  ];
  return `${fields.join('\n')}\n`;
}

function sendText(reply: FastifyReply, text: string, type = 'text/plain'): FastifyReply {
  return reply
    .header('content-type', `${type}; charset=utf-8`)
    .header('cache-control', 'public, max-age=3600')
    .send(text);
}

/** Everything here is behind a sign-in; there is nothing to find for who crawls. */
const robots = 'User-agent: *\nDisallow: /\n';

/** mountWellKnown adds security.txt, its policy, robots.txt and the address for changing a password. */
export function mountWellKnown(server: FastifyInstance, config: Config): void {
  const policy = readFileSync(new URL('../../../../SECURITY.md', import.meta.url), 'utf8');
  server.get('/.well-known/security.txt', answersHead, async (_request, reply) => {
    const text = renderSecurityTxt(config, Date.now());
    if (text === null)
      throw kernelErrors.NOT_FOUND({ detail: 'Whoever runs this server has not set SECURITY_CONTACT.' });
    return sendText(reply, text);
  });
  // The old place, which RFC 9116 keeps as a redirect.
  server.get('/security.txt', answersHead, async (_request, reply) => reply.redirect('/.well-known/security.txt', 302));
  server.get(policyPath, answersHead, async (_request, reply) => sendText(reply, policy));
  server.get('/robots.txt', answersHead, async (_request, reply) => sendText(reply, robots));
  // "A Well-Known URL for Changing Passwords": password managers send people here.
  server.get('/.well-known/change-password', answersHead, async (_request, reply) =>
    reply.redirect('/settings/profile', 302),
  );
  // They ask this one first, to learn that this server does not answer everything with 200.
  server.get('/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200', async () => {
    throw kernelErrors.NOT_FOUND();
  });
}
