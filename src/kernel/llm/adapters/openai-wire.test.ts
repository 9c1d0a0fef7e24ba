/** Proves that the parser gives the same parts whatever the network's pieces, line ends and spacing were. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAppError } from '#kernel/errors';
import { LineSplitter } from './line-splitter.ts';
import { ChunkReader } from './openai-chunks.ts';
import { errorOfReport, parseRetryAfter, readReport, scrubKey } from './provider-error.ts';
import type { AdapterPart } from './types.ts';

/** parse feeds bytes in the given pieces through splitter and reader. */
function parse(pieces: readonly Uint8Array[]): { text: string; reader: ChunkReader; parts: AdapterPart[] } {
  const splitter = new LineSplitter();
  const reader = new ChunkReader(null);
  const parts: AdapterPart[] = [];
  const onLine = (line: string): void => reader.readLine(line, parts);
  for (const piece of pieces) splitter.push(piece, onLine);
  splitter.flush(onLine);
  reader.finish(parts);
  return { reader, parts, text: parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('') };
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

const lineEnds = fc.constantFrom('\n', '\r\n');
const separators = fc.constantFrom<[string, string]>([',', ':'], [', ', ': ']);

function render(texts: readonly string[], lineEnd: string, [comma, colon]: [string, string]): string {
  const chunk = (delta: string, reason: string) =>
    `data: {"id"${colon}"a"${comma}"choices"${colon}[{"index"${colon}0${comma}"delta"${colon}${delta}${comma}"finish_reason"${colon}${reason}}]}`;
  const events = texts.map((text) => chunk(`{"content"${colon}${JSON.stringify(text)}}`, 'null'));
  return [': keep-alive', ...events, chunk('{}', '"stop"'), 'data: [DONE]', ''].join(lineEnd + lineEnd);
}

test('[K11.3] any text survives any cutting of the stream, with any line ends and spacing', () => {
  const unit = fc.constantFrom<'grapheme' | 'binary'>('grapheme', 'binary');
  const anyTexts = unit.chain((kind) => fc.array(fc.string({ unit: kind, maxLength: 12 }), { maxLength: 12 }));
  fc.assert(
    fc.property(
      anyTexts,
      lineEnds,
      separators,
      fc.array(fc.nat(5_000), { maxLength: 30 }),
      (texts, lineEnd, spacing, cuts) => {
        const wellFormed = texts.map((text) => text.toWellFormed());
        const { parts, reader, text } = parse(cut(Buffer.from(render(wellFormed, lineEnd, spacing)), cuts));
        expect(text).toBe(wellFormed.join(''));
        expect(reader.isDone).toBe(true);
        expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' });
      },
    ),
    { numRuns: 500 },
  );
});

test('[K11.3] the shortcut for plain text never hides what a similar line says besides', () => {
  const head = 'data: {"choices":[{"delta":{"content":"';
  const plain = (text: string) => `${head}${text}"},"finish_reason":null}]}\n\n`;
  const tricky = [
    plain('a'),
    plain('b'),
    plain('with \\"quotes\\" and \\\\'),
    plain('c'),
    plain(''),
    `${head}x"},"finish_reason":"length"}]}\n\n`,
    'data: {"choices":[{"delta":{"content":"y","tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}\n\n',
    'data: {"usage":{"prompt_tokens":3,"completion_tokens":4},"choices":[{"delta":{"content":"z"},"finish_reason":null}]}\n\n',
  ];
  const { parts, reader, text } = parse([Buffer.from(tricky.join(''))]);
  expect(text).toBe('abwith "quotes" and \\cxyz');
  expect(reader.finishReason).toBe('length');
  expect(reader.tokens).toEqual({ inputTokens: 3, cachedInputTokens: 0, outputTokens: 4 });
  expect(parts.filter(({ type }) => type === 'tool-call')).toHaveLength(1);
});

test('[K11.3] a line beyond 1 MiB is refused before it is whole, one below is read', () => {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  splitter.push(Buffer.alloc(1024 * 1024 - 1, 'a'), (line) => lines.push(line));
  splitter.push(Buffer.from('\n'), (line) => lines.push(line));
  expect(lines[0]).toHaveLength(1024 * 1024 - 1);
  expect(() => {
    for (let piece = 0; piece < 20; piece += 1) splitter.push(Buffer.alloc(64 * 1024, 'a'), () => undefined);
  }).toThrowError(expect.objectContaining({ code: 'MODEL_BAD_RESPONSE' }));
});

test('[K11.3] tool calls without indexes, all numbered 0, or with objects for arguments are told apart by id', () => {
  const call = (id: string, text: unknown, index?: number) => ({
    ...(index === undefined ? {} : { index }),
    id,
    function: { name: `f${id}`, arguments: text },
  });
  for (const calls of [
    [call('a', '{}', 0), call('b', '{"n":1}', 0)],
    [call('a', {}), call('b', { n: 1 })],
  ]) {
    const events = calls.map((one) => `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [one] } }] })}\n\n`);
    const { parts } = parse([Buffer.from(events.join(''))]);
    expect(parts.filter(({ type }) => type === 'tool-call')).toEqual([
      { type: 'tool-call', call: { id: 'a', name: 'fa', arguments: '{}' } },
      { type: 'tool-call', call: { id: 'b', name: 'fb', arguments: '{"n":1}' } },
    ]);
  }
});

test('[K11.3] reasoning as pieces of content, as Mistral sends it, stays apart from the text', () => {
  const content = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
    { type: 'text', text: 'yes' },
  ];
  const { parts } = parse([
    Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: 'stop' }] })}\n\n`),
  ]);
  expect(parts.slice(0, 2)).toEqual([
    { type: 'reasoning-delta', text: 'hm' },
    { type: 'text-delta', text: 'yes' },
  ]);
});

test('[K6.2] an error inside a stream is the error of the call', () => {
  const event =
    'data: {"error":{"message":"Rate limit reached","type":"rate_limit_exceeded","code":"rate_limit_exceeded"}}\n\n';
  expect(() => parse([Buffer.from(event)])).toThrowError(expect.objectContaining({ code: 'MODEL_RATE_LIMITED' }));
});

test.each([
  [
    429,
    {
      error: {
        message: 'You exceeded your current quota, please check your plan and billing',
        code: 'insufficient_quota',
      },
    },
    'MODEL_QUOTA_EXHAUSTED',
  ],
  [402, {}, 'MODEL_QUOTA_EXHAUSTED'],
  [
    400,
    { error: { message: 'Your credit balance is too low', type: 'invalid_request_error' } },
    'MODEL_QUOTA_EXHAUSTED',
  ],
  [
    400,
    { error: { message: 'prompt is too long: 210000 tokens > 200000 maximum', type: 'invalid_request_error' } },
    'MODEL_CONTEXT_EXCEEDED',
  ],
  [400, { error: { message: 'The response was filtered due to the prompt', code: 'content_filter' } }, 'MODEL_REFUSED'],
  [
    400,
    [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' } }],
    'MODEL_BAD_REQUEST',
  ],
  [404, { error: 'model "llama9" not found, try pulling it first' }, 'MODEL_NOT_FOUND'],
  [529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'MODEL_OVERLOADED'],
  [503, 'not json at all', 'MODEL_OVERLOADED'],
  [302, null, 'MODEL_BAD_RESPONSE'],
  [405, null, 'MODEL_BAD_RESPONSE'],
  [504, null, 'MODEL_TIMEOUT'],
])('[K6.2] status %i with %j is %s', (status, body, code) => {
  expect(errorOfReport(status, readReport(body), { apiKey: null }).code).toBe(code);
});

test('[K6.2] Retry-After is read as seconds, as milliseconds and as a date, and never trusted beyond a day', () => {
  const now = Date.parse('2026-11-20T00:00:00Z');
  expect(parseRetryAfter({ 'retry-after': '7' }, now)).toBe(7);
  expect(parseRetryAfter({ 'retry-after-ms': '1500' }, now)).toBe(2);
  expect(parseRetryAfter({ 'retry-after': 'Fri, 20 Nov 2026 00:01:00 GMT' }, now)).toBe(60);
  expect(parseRetryAfter({ 'retry-after': '99999999' }, now)).toBe(86_400);
  expect(parseRetryAfter({ 'retry-after': 'soon' }, now)).toBeUndefined();
  expect(parseRetryAfter({}, now)).toBeUndefined();
});

test('[K9.1] keys are removed from what a provider says, as given and by their looks', () => {
  expect(scrubKey('Incorrect key my+odd/key=1', 'my+odd/key=1')).toBe('Incorrect key [key]');
  expect(scrubKey('Incorrect API key provided: sk-super****cret', null)).not.toContain('super');
  expect(scrubKey('x'.repeat(1_000), null).length).toBeLessThanOrEqual(301);
});

test('[K6.2] whatever a chunk is, the reader throws errors of its table or nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        new ChunkReader(null).readLine(`data: ${JSON.stringify({ choices: value, usage: value })}`, []);
        new ChunkReader(null).readLine(
          `data: ${JSON.stringify({ choices: [{ delta: value, finish_reason: value }] })}`,
          [],
        );
        new ChunkReader(null).readLine(`data: ${JSON.stringify(value)}`, []);
      } catch (error) {
        expect(isAppError(error) || error).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});
