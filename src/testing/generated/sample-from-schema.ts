/** Makes a value that a Zod schema accepts, so that generated tests reach what lies behind the validation of every route. */
import { z } from 'zod';

type JsonSchema = Readonly<Record<string, unknown>>;

export interface SampleOptions {
  /** Gives the text of a free string field; `path` is where it stands, `/body/name`. */
  readonly text: (path: string) => string;
  /** Gives a UUID for a field, by its name: `agentId`. */
  readonly id: (name: string) => string;
}

/** sampleFromSchema fills every field, also the optional ones. Throws for a construct it does not know. */
export function sampleFromSchema(schema: z.ZodType, path: string, options: SampleOptions): unknown {
  return sample(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, path, options);
}

function sample(schema: JsonSchema, path: string, options: SampleOptions): unknown {
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  const choices = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  if (choices) return sample(choices.find((choice) => choice['type'] !== 'null') ?? {}, path, options);
  const type = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type) {
    case 'object':
      return sampleObject(schema, path, options);
    case 'array':
      return [sample((schema['items'] ?? {}) as JsonSchema, `${path}/0`, options)];
    case 'string':
      return sampleString(schema, path, options);
    case 'integer':
    case 'number':
      return Math.max(Number(schema['minimum'] ?? 1), Math.min(1, Number(schema['maximum'] ?? 1)));
    case 'boolean':
      return false;
    case 'null':
      return null;
    case undefined: // z.unknown()
      return options.text(path);
    default:
      throw new Error(`${path}: a sample of ${JSON.stringify(schema)} is not known`);
  }
}

function sampleObject(schema: JsonSchema, path: string, options: SampleOptions): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, sample(property, `${path}/${name}`, options)]),
  );
}

function sampleString(schema: JsonSchema, path: string, { text, id }: SampleOptions): string {
  const name = path.split('/').at(-1) ?? '';
  switch (schema['format']) {
    case 'uuid':
      return id(name);
    case 'email':
      return `${text(path)}@example.com`.toLowerCase();
    case 'uri':
      return `https://example.com/${text(path)}`;
    case 'date-time':
      return '2026-11-20T12:00:00Z';
    default: {
      const padded = text(path).padEnd(Number(schema['minLength'] ?? 0), 'x');
      return padded.slice(0, Number(schema['maxLength'] ?? padded.length));
    }
  }
}
