/**
 * Opens an encrypted assertion (XML Encryption 1.1) and puts it in its place, before anything looks at the answer: what
 * anybody could have encrypted for us is then checked like any other. Only RSA-OAEP and AES are taken.
 */
import { constants, createDecipheriv, createPrivateKey, privateDecrypt, type KeyObject } from 'node:crypto';
import { readXmlTags, type XmlTag } from './xml-tags.ts';

const xmlenc = 'http://www.w3.org/2001/04/xmlenc#';
const xmlenc11 = 'http://www.w3.org/2009/xmlenc11#';
const xmldsig = 'http://www.w3.org/2000/09/xmldsig#';

interface Cipher {
  readonly name: 'aes-128-cbc' | 'aes-256-cbc' | 'aes-128-gcm' | 'aes-256-gcm';
  readonly keyBytes: number;
}

/** CBC says nothing about who wrote the text; the signature inside does, and every refusal looks the same from outside. */
const ciphers: ReadonlyMap<string, Cipher> = new Map([
  [`${xmlenc}aes128-cbc`, { name: 'aes-128-cbc', keyBytes: 16 }],
  [`${xmlenc}aes256-cbc`, { name: 'aes-256-cbc', keyBytes: 32 }],
  [`${xmlenc11}aes128-gcm`, { name: 'aes-128-gcm', keyBytes: 16 }],
  [`${xmlenc11}aes256-gcm`, { name: 'aes-256-gcm', keyBytes: 32 }],
]);

/** Digests and masks of OAEP. */
const hashes: ReadonlyMap<string, string> = new Map([
  [`${xmldsig}sha1`, 'sha1'],
  [`${xmlenc}sha256`, 'sha256'],
  ['http://www.w3.org/2001/04/xmldsig-more#sha384', 'sha384'],
  [`${xmlenc}sha512`, 'sha512'],
  [`${xmlenc11}mgf1sha1`, 'sha1'],
  [`${xmlenc11}mgf1sha256`, 'sha256'],
  [`${xmlenc11}mgf1sha384`, 'sha384'],
  [`${xmlenc11}mgf1sha512`, 'sha512'],
]);

const encryptedPattern = /<((?:[\w.-]+:)?)EncryptedAssertion(?=[\s>])[^<>]*>/;
const maxKeys = 4;

interface WrappedKey {
  algorithm: string;
  digest: string;
  mask: string;
  value: string;
}

interface Envelope {
  algorithm: string;
  value: string;
  readonly keys: WrappedKey[];
}

/** readEnvelope walks the tags once; what stands in an EncryptedKey belongs to it, everything else to the data. */
function readEnvelope(tags: readonly XmlTag[]): Envelope {
  const envelope: Envelope = { algorithm: '', value: '', keys: [] };
  let key: WrappedKey | null = null;
  for (const { name, isClosing, attributes, text } of tags) {
    if (name === 'EncryptedKey') {
      key = isClosing ? null : { algorithm: '', digest: '', mask: '', value: '' };
      if (key) envelope.keys.push(key);
    }
    if (isClosing) continue;
    const algorithm = attributes.get('Algorithm') ?? '';
    if (name === 'EncryptionMethod') (key ?? envelope).algorithm ||= algorithm;
    if (name === 'CipherValue') (key ?? envelope).value ||= text;
    if (name === 'DigestMethod' && key) key.digest ||= algorithm;
    if (name === 'MGF' && key) key.mask ||= algorithm;
  }
  return envelope;
}

/** oaepHashOf names the one hash that both parts of the padding use; null for a mixture, which Node cannot open. */
function oaepHashOf({ algorithm, digest, mask }: WrappedKey): string | null {
  const label = digest === '' ? 'sha1' : hashes.get(digest);
  const isOld = algorithm === `${xmlenc}rsa-oaep-mgf1p`; // its mask is always SHA-1
  const other = isOld || mask === '' ? 'sha1' : hashes.get(mask);
  return label !== undefined && label === other ? label : null;
}

function unwrapKey(key: WrappedKey, privateKey: KeyObject): Buffer | null {
  const isOaep = key.algorithm === `${xmlenc}rsa-oaep-mgf1p` || key.algorithm === `${xmlenc11}rsa-oaep`;
  if (!isOaep) throw new Error('the key of the assertion is not wrapped by RSA-OAEP; choose that at the provider');
  const oaepHash = oaepHashOf(key);
  if (oaepHash === null) throw new Error('RSA-OAEP with two hashes is not supported; choose SHA-1 or SHA-256 for both');
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return privateDecrypt({ key: privateKey, padding, oaepHash }, Buffer.from(key.value, 'base64'));
  } catch {
    return null; // wrapped for somebody else
  }
}

function decryptData({ name, keyBytes }: Cipher, key: Buffer, data: Buffer): string {
  if (key.length !== keyBytes) throw new Error('the key of the assertion has another length');
  const isGcm = name.endsWith('gcm');
  const ivBytes = isGcm ? 12 : 16;
  const tagBytes = isGcm ? 16 : 0;
  if (data.length < ivBytes + 16) throw new Error('the encrypted assertion is too short');
  const decipher = createDecipheriv(name as 'aes-256-gcm', key, data.subarray(0, ivBytes), { authTagLength: 16 });
  if (isGcm) decipher.setAuthTag(data.subarray(data.length - tagBytes));
  else decipher.setAutoPadding(false);
  const text = Buffer.concat([decipher.update(data.subarray(ivBytes, data.length - tagBytes)), decipher.final()]);
  if (isGcm) return text.toString('utf8');
  const padding = text.at(-1) ?? 0; // only the last byte counts (XML Encryption, 5.2.1)
  if (padding < 1 || padding > 16) throw new Error('the padding of the assertion is wrong');
  return text.subarray(0, text.length - padding).toString('utf8');
}

function openEnvelope(envelope: Envelope, privateKey: KeyObject): string {
  const cipher = ciphers.get(envelope.algorithm);
  if (!cipher) throw new Error('the assertion is encrypted by another method than AES in CBC or GCM');
  for (const wrapped of envelope.keys.slice(0, maxKeys)) {
    const key = unwrapKey(wrapped, privateKey);
    if (key) return decryptData(cipher, key, Buffer.from(envelope.value, 'base64'));
  }
  throw new Error('the assertion is not encrypted for our present certificate; enter it at the provider');
}

/** hasEncryptedAssertion tells whether there is something to open. */
export function hasEncryptedAssertion(xml: string): boolean {
  return encryptedPattern.test(xml);
}

/** openEncryptedAssertion returns the answer with the assertion in plain text. Throws with a reason that names no content. */
export function openEncryptedAssertion(xml: string, privateKeyPem: string): string {
  const start = encryptedPattern.exec(xml);
  if (!start) return xml;
  const endTag = `</${start[1] ?? ''}EncryptedAssertion`;
  const innerStart = start.index + start[0].length;
  const innerEnd = xml.indexOf(endTag, innerStart);
  const end = xml.indexOf('>', innerEnd);
  if (innerEnd < 0 || end < 0) throw new Error('the encrypted assertion does not end');
  const tags = readXmlTags(xml.slice(innerStart, innerEnd));
  if (!tags) throw new Error('the encrypted assertion is not well-formed');
  const plain = openEnvelope(readEnvelope(tags), createPrivateKey(privateKeyPem));
  return xml.slice(0, start.index) + plain.replace(/^\s*<\?xml[^>]*\?>/, '') + xml.slice(end + 1);
}
