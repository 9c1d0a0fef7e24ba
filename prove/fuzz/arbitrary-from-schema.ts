/** Values for fuzzing are made from JSON Schemas: what the schema allows, and the same with one place spoilt. */
import fc from 'fast-check';

export type JsonSchema = Readonly<Record<string, unknown>>;
type Arbitrary = fc.Arbitrary<unknown>;

/** sampleMark stands for the id of something real; `fillMarks` puts the id in when the request is sent. */
export const sampleMark = (name: string): string => `@@${name}@@`;

/** fillMarks replaces every mark by an id; what has no sample gets an id nobody has. */
export function fillMarks(text: string, idOf: (name: string) => string): string {
  return text.replaceAll(/@@(\w+)@@/g, (_, name: string) => idOf(name));
}

/** Texts and values that programs stumble over. */
const nasty: readonly unknown[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\u{D800}',
  '\u{202E}txt.exe',
  '\u{FEFF}',
  'ﬃ',
  "'; drop table auth.users; --",
  '{{7*7}}${7*7}<script>alert(1)</script>',
  '../../../../etc/passwd',
  '%00%ff',
  '__proto__',
  'constructor',
  '9'.repeat(400),
  'x'.repeat(5_000),
  -1,
  0,
  2 ** 53,
  1e308,
  -1e-320,
  null,
  true,
  [],
  {},
  [[[[[[[[]]]]]]]],
  { __proto__: null, constructor: { prototype: {} } },
  '2026-02-30T25:61:61Z',
  '0000-00-00',
  '00000000-0000-0000-0000-000000000000',
];

/** junk is anything JSON can hold, the nasty ones often. */
export const junk: Arbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nasty) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** arbitraryFromSchema makes values that the schema accepts, `name` being the field they are for. */
export function arbitraryFromSchema(schema: JsonSchema, name = ''): Arbitrary {
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const choices = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  if (choices) return fc.oneof(...choices.map((choice) => arbitraryFromSchema(choice, name)));
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => arbitraryFromSchema({ ...schema, type: one }, name)));
  switch (type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(arbitraryFromSchema((schema['items'] ?? {}) as JsonSchema, name), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.min(Number(schema['maxItems'] ?? 4), Number(schema['minItems'] ?? 0) + 4),
      });
    case 'string':
      return stringOf(schema, name);
    case 'integer':
      return name === 'revision' ? fc.constantFrom(1, 2, 3) : fc.integer(bounds(schema));
    case 'number':
      return fc.double({ ...bounds(schema), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return junk;
  }
}

/** The edges of a range are tried as often as its middle. */
function bounds(schema: JsonSchema): { min: number; max: number } {
  const min = Number(schema['minimum'] ?? schema['exclusiveMinimum'] ?? -1_000);
  const max = Number(schema['maximum'] ?? schema['exclusiveMaximum'] ?? Math.max(min, 0) + 1_000_000);
  return { min: Math.max(min, -(2 ** 31)), max: Math.min(max, 2 ** 31 - 1) };
}

function objectOf(schema: JsonSchema): Arbitrary {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const required = (schema['required'] ?? []) as string[];
  const fields = Object.fromEntries(properties.map(([key, value]) => [key, arbitraryFromSchema(value, key)]));
  const known = fc.record(fields, { requiredKeys: required.filter((key) => key in fields) });
  const extra = schema['additionalProperties'];
  if (properties.length > 0 || typeof extra !== 'object' || extra === null) return known;
  return fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), arbitraryFromSchema(extra as JsonSchema), {
    maxKeys: 4,
  });
}

function stringOf(schema: JsonSchema, name: string): Arbitrary {
  switch (schema['format']) {
    case 'uuid':
      return fc.oneof({ weight: 4, arbitrary: fc.constant(sampleMark(name)) }, { weight: 1, arbitrary: fc.uuid() });
    case 'email':
      return fc.integer({ max: 99_999, min: 0 }).map((number) => `fuzz${number}@example.net`);
    case 'uri':
      return fc.constantFrom(
        sampleMark('partnerUrl'),
        'http://169.254.169.254/latest',
        'file:///etc/passwd',
        'https://a:b@[::1]/',
      );
    case 'date':
      return fc.integer({ min: 1, max: 28 }).map((day) => `2026-11-${String(day).padStart(2, '0')}`);
    case 'date-time':
      return fc
        .date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString());
    default:
      return textOf(schema, name);
  }
}

/** Texts that somebody real has, so that what lies behind the question for them is reached. */
const known = new Set([
  'identifier',
  'password',
  'currentPassword',
  'refreshToken',
  'token',
  'retentionKind',
  'flagName',
  'scopes',
  'kind',
]);

function textOf(schema: JsonSchema, name: string): Arbitrary {
  const minLength = Number(schema['minLength'] ?? 0);
  const maxLength = Math.max(minLength, Math.min(Number(schema['maxLength'] ?? 60), minLength + 60));
  const plain = fc.string({ unit: 'grapheme', minLength, maxLength });
  if (known.has(name)) return fc.oneof({ weight: 4, arbitrary: fc.constant(sampleMark(name)) }, plain);
  if (name === 'userName') return fc.nat({ max: 999 }).map((number) => `fuzz${number}@${sampleMark('domain')}`);
  if (/cursor/i.test(name)) return fc.oneof(plain, fc.base64String({ maxLength: 80 }));
  if (typeof schema['pattern'] !== 'string') return plain;
  try {
    return fc.stringMatching(new RegExp(schema['pattern'], 'u'));
  } catch {
    return plain; // a pattern that the generator does not know, such as \P{Cc}
  }
}

/** spoil replaces one place of a value by junk, or adds a field that nobody declared. */
export function spoil(value: unknown): Arbitrary {
  if (typeof value !== 'object' || value === null) return junk;
  const entries = Object.entries(value);
  if (entries.length === 0) return junk;
  const place = fc.nat({ max: entries.length });
  return fc.tuple(place, junk).chain(([index, bad]) => {
    const entry = entries[index];
    if (!entry) return fc.constant({ ...value, surplus: bad });
    const inner = typeof entry[1] === 'object' && entry[1] !== null ? spoil(entry[1]) : fc.constant(bad);
    return inner.map((spoilt) => {
      if (Array.isArray(value)) return value.with(index, spoilt);
      return { ...value, [entry[0]]: spoilt };
    });
  });
}
