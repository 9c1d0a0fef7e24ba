/** The published OpenAPI document, read as a list of things to try and of answers that are allowed. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonSchema } from './arbitrary-from-schema.ts';

/** Operation is one method of one path, with a judge for each declared answer. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** With `{param}` places. */
  readonly path: string;
  readonly params: JsonSchema;
  readonly query: JsonSchema;
  readonly body: JsonSchema | null;
  /** The content type of the body. */
  readonly bodyType: string;
  readonly isUpload: boolean;
  readonly isIdempotent: boolean;
  readonly isPublic: boolean;
  /** True where the token of an organisation's directory is asked for. */
  readonly isForDirectories: boolean;
  /** By status: what content types may come, with the schema of JSON ones. */
  readonly answers: ReadonlyMap<number, ReadonlyMap<string, ValidateFunction | null>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
}
interface Described {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema?: JsonSchema }>> }>
  >;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** readOperations compiles the document; it throws when the document cannot be understood. */
export function readOperations(document: OpenApiDocument): Operation[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: true });
  (addFormats as unknown as (target: Ajv2020) => void)(ajv);
  const compile = (schema: JsonSchema): ValidateFunction => {
    const reference = schema['$ref'];
    const name = typeof reference === 'string' ? /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1] : undefined;
    return ajv.compile(name ? (document.components.schemas[name] ?? {}) : schema);
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      id: described.operationId,
      method: method.toUpperCase(),
      path,
      params: parametersIn(described, 'path'),
      query: parametersIn(described, 'query'),
      ...bodyOf(described),
      isIdempotent: (described.parameters ?? []).some(({ name }) => name === 'Idempotency-Key'),
      isPublic: described.security?.length === 0,
      isForDirectories: described.security?.some((scheme) => 'directory' in scheme) ?? false,
      answers: new Map(
        Object.entries(described.responses).map(([status, { content = {} }]) => [
          Number(status),
          new Map(
            Object.entries(content).map(([type, { schema }]) => [
              type,
              schema && type.includes('json') ? compile(schema) : null,
            ]),
          ),
        ]),
      ),
    })),
  );
}

const uploadType = 'multipart/form-data';

function bodyOf({ requestBody }: Described): Pick<Operation, 'body' | 'bodyType' | 'isUpload'> {
  const [bodyType = 'application/json', content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const isUpload = bodyType === uploadType;
  return { body: isUpload ? null : (content?.schema ?? null), bodyType, isUpload };
}

function parametersIn({ parameters = [] }: Described, place: string): JsonSchema {
  const found = parameters.filter((parameter) => parameter.in === place);
  return {
    type: 'object',
    properties: Object.fromEntries(found.map(({ name, schema }) => [name, schema])),
    required: found.filter(({ required }) => required).map(({ name }) => name),
  };
}

/** judgeAnswer says what an answer has that the document does not allow, or null. */
export function judgeAnswer(operation: Operation, status: number, contentType: string, text: string): string | null {
  const declared = operation.answers.get(status);
  if (!declared) return `status ${status} is not declared: ${/"code":"\w+"/.exec(text)?.[0] ?? text.slice(0, 200)}`;
  const type = contentType.split(';')[0]?.trim() ?? '';
  if (declared.size === 0) return text === '' ? null : `a body where none is declared: ${text.slice(0, 200)}`;
  const schema = declared.has(type) ? declared.get(type) : declared.has('*/*') ? null : undefined;
  if (schema === undefined) return `content type ${type || 'none'} is not declared for ${status}`;
  if (schema === null || type === 'text/event-stream') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `status ${status} is not JSON: ${text.slice(0, 200)}`;
  }
  if (schema(value)) return null;
  const [error] = schema.errors ?? [];
  return `status ${status} does not fit its schema at ${error?.instancePath || '/'}: ${error?.message}`;
}
