/** One-time passwords by RFC 6238 as every authenticator app makes them: SHA-1, six digits, 30 seconds; a step early or late counts. */
import { Secret, TOTP } from 'otpauth';

const periodSeconds = 30;
/** 160 bits, as RFC 4226 recommends for SHA-1. */
const secretBytes = 20;

/** newTotpSecret is a random secret in base32, as apps take it by hand. */
export function newTotpSecret(): string {
  return new Secret({ size: secretBytes }).base32;
}

function totpOf(secret: string): TOTP {
  return new TOTP({ secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: periodSeconds });
}

/** totpUri is the `otpauth://` address that a QR code shows to the app; `server` is how the app calls this server. */
export function totpUri(secret: string, server: string, email: string): string {
  const totp = totpOf(secret);
  totp.issuer = server;
  totp.label = email;
  return totp.toString();
}

/** matchStep returns the 30-second step that a code belongs to, or null; compared in constant time. `now` in milliseconds. */
export function matchStep(secret: string, code: string, now: number): number | null {
  if (!/^[0-9]{6}$/.test(code)) return null; // the library throws at letters of more than a byte
  const totp = totpOf(secret);
  const delta = totp.validate({ token: code, timestamp: now, window: 1 });
  return delta === null ? null : totp.counter({ timestamp: now }) + delta;
}
