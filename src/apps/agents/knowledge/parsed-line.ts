/** What the reading process may say: one bounded JSON line at a time, checked, because a hostile file may be speaking. */
import { z } from 'zod';

const parsedPassage = z.strictObject({
  text: z.string().min(1).max(5_000),
  headings: z.array(z.string().max(500)).max(10),
  page: z.int().min(1).max(2_147_483_647).nullable(),
  /** Folded words of headings and text, for the search. */
  search: z.string().max(100_000),
});

/** parsedLine is one line of the answer; `progress` is 0 to 100. `end` is the last line of a finished reading. */
export const parsedLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('passages'),
    progress: z.number().min(0).max(100),
    items: z.array(parsedPassage).max(100),
  }),
  z.strictObject({
    type: z.literal('end'),
    passageCount: z.int().min(0),
    pageCount: z.int().min(1).max(2_147_483_647).nullable(),
  }),
  z.strictObject({ type: z.literal('problem'), code: z.string().max(100) }),
]);

export type ParsedLine = z.output<typeof parsedLine>;
export type ParsedPassage = z.output<typeof parsedPassage>;

/** LineTooLong ends a reading whose lines would fill the memory. */
export class LineTooLong extends Error {}

const maxLineCharacters = 8 * 1_048_576;

/** splitLines yields the lines of a stream of UTF-8. Throws LineTooLong rather than hold more than 8 Mi characters. */
export async function* splitLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      yield pieces.join('') + line;
      pieces = [];
      size = 0;
    }
    pieces.push(rest);
    size += rest.length;
    if (size > maxLineCharacters) throw new LineTooLong();
  }
}
