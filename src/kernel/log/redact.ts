/** redact removes what must never be logged: by field name, and by pattern wherever it stands. */

/** Fields that hold credentials or people's words, whatever stands in them. */
const secretNames =
  /^(signature|otp|pin|session|e-?mail|user_?name|name|display_?name|text|content|message_?text|prompt|instructions|body|input|output|title|file_?name|query|note|x-api-key)s?$/i;
const secretParts = /password|passphrase|secret|credential|authorization|cookie|private_?key|api_?key|access_?key/i;

/** Endings that name credentials when text stands there; `inputTokens: 12` is a count and stays. */
const secretTextEndings = /(token|e-?mail)s?$/i;

/**
 * Each pattern begins where a word begins (the look-behinds), so that hostile text costs linear time; the mark that must
 * stand in the text is looked for first, because most texts hold none.
 */
const patterns: readonly (readonly [mark: string, pattern: RegExp, replacement: string])[] = [
  ['@', /(?<![\w.+-])[\w.+-]+@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}/g, '[e-mail]'],
  ['', /\b(?:sk|pk|rk|api|key|ghp|gho|github_pat|xox[abp]|whsec|AKIA|AIza)[-_]?[A-Za-z0-9_-]{16,}/g, '[key]'],
  ['b', /(?<![A-Za-z0-9])(?:bhk|bat|brt|bsc|bac)_[A-Za-z0-9_-]{8,}/g, '[key]'],
  ['eyJ', /(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}/g, '[jwt]'],
  ['', /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, '$1 [credential]'],
  ['__', /(__(?:Host|Secure)-[\w.-]{1,100}=)[^;,\s"]+/g, '$1[cookie]'],
  ['://', /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+@/gi, '$1[credential]@'],
  ['=', /([?&#](?:sig|signature|token|key|code|secret|password|api_key|access_token)=)[^&\s"]+/gi, '$1[secret]'],
];

/** Bounds keep one careless call from costing a request its time: a log line is for people. */
const maxDepth = 6;
const maxText = 4_000;
const maxItems = 100;
const maxValues = 2_000;

function redactText(text: string): string {
  let clean = text.length > maxText ? `${text.slice(0, maxText)}…` : text;
  for (const [mark, pattern, replacement] of patterns) {
    if (clean.includes(mark)) clean = clean.replace(pattern, replacement);
  }
  return clean;
}

function isSecretField(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (secretNames.test(name) || secretParts.test(name)) return true;
  return secretTextEndings.test(name) && typeof value !== 'number' && typeof value !== 'boolean';
}

/** readField survives getters that throw. */
function readField(object: object, name: string): unknown {
  try {
    return (object as Record<string, unknown>)[name];
  } catch {
    return '[unreadable]';
  }
}

interface Budget {
  values: number;
}

/** quotesInput recognises errors whose message repeats data: the driver's (values), Drizzle's (parameters), JSON.parse's (text). */
function quotesInput(error: Error): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  const isFromDatabase = typeof severity === 'string' && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  return isFromDatabase || error instanceof SyntaxError || error.message.startsWith('Failed query');
}

/** onlyFrames keeps the places of a stack; its first lines repeat the message. */
function onlyFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
}

function redactError(error: Error, depth: number, budget: Budget): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  const isQuoting = quotesInput(error);
  return {
    type: name,
    ...(isQuoting ? {} : { message: redactText(message) }),
    ...(stack ? { stack: redactText(isQuoting ? onlyFrames(stack) : stack) } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause === undefined ? {} : { cause: redactValue(cause, depth + 1, budget) }),
  };
}

function redactValue(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value === null || typeof value !== 'object') return value;
  budget.values -= 1;
  if (depth >= maxDepth || budget.values < 0) return '[deep]';
  if (value instanceof Error) return redactError(value, depth, budget);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof URL) return redactText(value.href);
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => redactValue(item, depth + 1, budget));
  const clean: Record<string, unknown> = {};
  for (const name of Object.keys(value).slice(0, maxItems)) {
    const item = readField(value, name);
    clean[redactText(name)] = isSecretField(name, item) ? '[redacted]' : redactValue(item, depth + 1, budget);
  }
  return clean;
}

/**
 * redact returns a copy fit for the log; errors become {type, message, stack, code, cause}. It bounds depth, width and
 * length, and never throws. The limit of the defence: a secret of no known shape in a field of an innocent name.
 */
export function redact(value: unknown): unknown {
  return redactValue(value, 0, { values: maxValues });
}
