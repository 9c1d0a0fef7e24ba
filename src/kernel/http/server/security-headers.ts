/** Every answer, whatever its kind, carries the headers that tell a browser to allow as little as possible (K8.1). */

export type HeaderList = readonly (readonly [string, string])[];

const permissionsPolicy = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
  'xr-spatial-tracking',
]
  .map((feature) => `${feature}=()`)
  .concat('publickey-credentials-create=(self)', 'publickey-credentials-get=(self)') // passkeys, in our own pages alone
  .join(', ');

/** apiPolicy is the Content-Security-Policy of everything that is not a page: it may do nothing. */
export const apiPolicy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; sandbox";

/** baseHeaders are the headers of every answer. HSTS only when people come by https, or they could not come at all. */
export function baseHeaders(publicUrl: string | undefined): HeaderList {
  const isSecure = publicUrl?.startsWith('https://') ?? false;
  return [
    ['content-security-policy', apiPolicy],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['permissions-policy', permissionsPolicy],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['x-frame-options', 'DENY'],
    ...(isSecure ? ([['strict-transport-security', 'max-age=63072000; includeSubDomains']] as const) : []),
  ];
}

/**
 * pagePolicy is the Content-Security-Policy of the web app's page. Scripts need the nonce; pictures and connections
 * stay on this origin (blob: and data: for previews made in the page); the only Trusted Types policy is `default`.
 */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');
}
