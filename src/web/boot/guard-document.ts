/**
 * Makes the page work under its strict CSP, and must be the first import of the app: style-injecting libraries get the
 * nonce of this page, and a Trusted Types default policy lets text through and nothing that could become markup or code.
 */
import { setNonce } from 'get-nonce';

interface TrustedTypesFactory {
  createPolicy(
    name: string,
    rules: Record<'createHTML' | 'createScript' | 'createScriptURL', (input: string) => string>,
  ): unknown;
}

/** documentNonce is the nonce of this page's CSP header; '' in development. */
export const documentNonce = document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce ?? '';

/** React makes its script elements from this constant; it holds no code. */
const emptyScript = '<script></script>';

/**
 * allowText passes HTML that cannot create an element: without `<` it is text, which is all that style sheets written
 * through innerHTML are. Anything else throws, so an injection fails where it happens.
 */
export function allowText(input: string): string {
  if (!input.includes('<') || input === emptyScript) return input;
  throw new TypeError('Markup from a string is refused on this page.');
}

/** The service worker of Web Push, the one script whose address the app hands over as text. */
export function allowWorker(address: string): string {
  if (address === '/sw.js') return address;
  throw new TypeError('Code from a string is refused on this page.');
}

function refuse(): never {
  throw new TypeError('Code from a string is refused on this page.');
}

const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
factory?.createPolicy('default', { createHTML: allowText, createScript: refuse, createScriptURL: allowWorker });

if (documentNonce) setNonce(documentNonce);
