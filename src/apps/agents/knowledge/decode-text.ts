/** Text is decoded as what it demonstrably is (UTF-8, marked UTF-16, plausible Windows-1252) or refused; it is never turned into mojibake. */

/** hasUtf16Mark tells whether the bytes begin with a UTF-16 byte order mark. */
export function hasUtf16Mark(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

/** looksBinary is true for bytes that no text holds: NUL and control characters other than white space and escape. */
export function looksBinary(bytes: Uint8Array): boolean {
  return bytes.some(
    (byte) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d && byte !== 0x1b,
  );
}

function decodeStrictly(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null; // not of this encoding; the caller tries the next
  }
}

/** Bytes that Windows-1252 leaves undefined; a file with one is something else. */
const undefinedBytes = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/**
 * isWindows1252 judges by frequency: western text is mostly ASCII with some accented letters. Cyrillic, Greek and Asian
 * code pages have far more bytes above 0x7F, and reading them as Windows-1252 would give nonsense.
 */
function isWindows1252(bytes: Uint8Array): boolean {
  let high = 0;
  let letters = 0;
  for (const byte of bytes) {
    if (undefinedBytes.has(byte)) return false;
    if (byte < 0x80) continue;
    high += 1;
    if (byte >= 0xc0 && byte !== 0xd7 && byte !== 0xf7) letters += 1;
  }
  return high > 0 && high / bytes.length < 0.2 && letters / high > 0.4;
}

/** decodeText returns the text without its byte order mark, or null when the bytes are no text in a known encoding. */
export function decodeText(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeStrictly(bytes, 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decodeStrictly(bytes, 'utf-16be');
  if (looksBinary(bytes)) return null;
  const utf8 = decodeStrictly(bytes, 'utf-8');
  if (utf8 !== null) return utf8;
  return isWindows1252(bytes) ? decodeStrictly(bytes, 'windows-1252') : null;
}
