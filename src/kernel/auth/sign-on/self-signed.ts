/** A key of our own with a certificate that wraps it, for partners who take keys in no other form (RFC 5280). */
import { generateKeyPair, randomBytes, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';

const keyBits = 2048;
/** Partners pin the certificate itself; its end only decides when somebody has to act. */
const validYears = 10;

/** der is one value of ASN.1: tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const sha256WithRsa = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
const commonName = der(0x06, Buffer.from('550403', 'hex'));

/** UTCTime holds the years up to 2049, GeneralizedTime those after. */
function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

export interface OwnKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** PEM. */
  readonly certificate: string;
}

/** createSelfSigned makes an RSA key of 2048 bits and a certificate for it, good from yesterday on for ten years. */
export async function createSelfSigned(name: string, now = new Date()): Promise<OwnKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: keyBits });
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40; // positive, and never shorter
  const start = new Date(now.getTime() - 86_400_000); // clocks of others may be late
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + validYears);
  const who = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(name)))));
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    sha256WithRsa,
    who,
    sequence(time(start), time(end)),
    who,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, sha256WithRsa, der(0x03, Buffer.from([0]), signature));
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: new X509Certificate(certificate).toString(),
  };
}
