/** redact removes what must never be logged: by field name, and by pattern wherever it stands. */

const secretNames =
  /^(authorization|cookie|set-cookie|password|passphrase|secret|token|api_?key|x-api-key|access_?key|private_?key|credential|session|otp|pin|signature|email|e-?mail|username|name|text|content|message_?text|prompt|instructions|body|input|output|title|filename|query|note)s?$/i;
const secretSuffix = /(password|secret|token|api_?key|private_?key|credential|cookie|email)s?$/i;

const patterns: readonly [RegExp, string][] = [
  [/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}/g, '[e-mail]'],
  [/\b(?:sk|pk|rk|api|key|ghp|gho|github_pat|xox[abp]|whsec|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}/g, '[key]'],
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}/g, '[jwt]'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 [credential]'],
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,256}@/gi, '$1[credential]@'],
  [/([?&](?:sig|token|key|code|secret|password)=)[^&\s"]+/gi, '$1[secret]'],
];

const maxDepth = 6;
const maxText = 4_000;

function redactText(text: string): string {
  let clean = text.length > maxText ? `${text.slice(0, maxText)}…` : text;
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/** redact returns a copy fit for the log; errors become {type, message, stack, code}. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth >= maxDepth) return '[deep]';
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const code = (value as { code?: unknown }).code;
    return {
      type: name,
      message: redactText(message),
      ...(stack ? { stack: redactText(stack) } : {}),
      ...(typeof code === 'string' ? { code } : {}),
      ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1));
  if (value instanceof Date) return value.toISOString();
  const clean: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    clean[key] = secretNames.test(key) || secretSuffix.test(key) ? '[redacted]' : redact(item, depth + 1);
  }
  return clean;
}
