/** A file opens with one sentence on what it guarantees, so that a reader knows in a line whether to read on. */
import type { Rule } from './rule.ts';

export const openingSentence: Rule = {
  create(context) {
    return {
      Program(node) {
        const text = context.sourceCode.text.replace(/^#!.*\n/, '').trimStart();
        const comment = /^\/\*\*([\s\S]*?)\*\/|^\/\/([^\n]*)/.exec(text);
        const sentence = (comment?.[1] ?? comment?.[2] ?? '').replaceAll(/[\s*/]+/g, ' ').trim();
        if (sentence.split(' ').length >= 3) return;
        context.report({ node, message: 'Open the file with a comment of one sentence that says what it guarantees.' });
      },
    };
  },
};
