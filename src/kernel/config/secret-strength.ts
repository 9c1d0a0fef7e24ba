/** A secret key must be 32 bytes nobody could guess: length, entropy and well-known examples are checked (K1.3). */

const wellKnown = [/change[-_ ]?me/i, /example/i, /secret/i, /password/i, /default/i, /^(.)\1+=*$/];

/** shannonBits is the entropy of the bytes' distribution; 32 random bytes give 4.7 to 5, text and patterns far less. */
function shannonBits(bytes: Uint8Array): number {
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  return bits;
}

/** secretWeakness says what is wrong with a base64 key, or null when it will do. Never repeats the value. */
export function secretWeakness(text: string): string | null {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return 'is not base64';
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < 32) return `is too short (${bytes.length} bytes)`;
  if (wellKnown.some((pattern) => pattern.test(text) || pattern.test(bytes.toString('latin1'))))
    return 'is an example value';
  const isMonotonic = bytes.every((byte, index) => index === 0 || byte === ((bytes[index - 1] ?? 0) + 1) % 256);
  // 32 random bytes fall below 4.2 bits less than once in a billion; printable text of 32 bytes rarely reaches it.
  if (isMonotonic || shannonBits(bytes.subarray(0, 32)) < 4.2) return 'has too little entropy';
  return null;
}
