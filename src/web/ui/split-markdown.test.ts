import { describe, expect, test } from 'vitest';
import { splitMarkdown } from './split-markdown.ts';

describe('splitMarkdown', () => {
  test('cuts paragraphs, headings and tables apart at blank lines', () => {
    expect(splitMarkdown('# A\n\ntext\nmore\n\n\n| a |\n|---|\n| 1 |\n')).toEqual([
      '# A',
      'text\nmore',
      '| a |\n|---|\n| 1 |',
    ]);
  });

  test('keeps a code fence whole, blank lines and all, also while it is still open', () => {
    expect(splitMarkdown('```js\na\n\nb\n```\n\nafter')).toEqual(['```js\na\n\nb\n```', 'after']);
    expect(splitMarkdown('before\n\n```\na\n\nb')).toEqual(['before', '```\na\n\nb']);
  });

  test('a longer fence is not closed by a shorter one inside it', () => {
    expect(splitMarkdown('````md\n```\nx\n```\n\ny\n````\n\nz')).toEqual(['````md\n```\nx\n```\n\ny\n````', 'z']);
  });

  test('keeps a loose list in one block, so that its numbers go on', () => {
    expect(splitMarkdown('1. a\n\n2. b\n\n   more of b\n\nafter')).toEqual(['1. a\n\n2. b\n\n   more of b', 'after']);
  });

  test('text that grows keeps its finished blocks unchanged', () => {
    const whole = 'One.\n\nTwo *two*.\n\n- a\n- b\n\n```js\n1;\n\n2;\n```\n\nEnd.';
    for (let length = 1; length < whole.length; length += 1) {
      const finished = splitMarkdown(whole.slice(0, length)).slice(0, -1);
      expect(splitMarkdown(whole).slice(0, finished.length)).toEqual(finished);
    }
  });
});
