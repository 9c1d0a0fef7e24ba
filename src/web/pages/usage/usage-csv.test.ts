/** What leaves as CSV is read as it was meant. */
import { expect, test } from 'vitest';
import { renderCsv } from './usage-csv.ts';

const figures = {
  calls: 2,
  inputTokens: 10,
  cachedInputTokens: 4,
  outputTokens: 5,
  costMicros: 1_500_000,
  unpricedCalls: 0,
};

test('[A11] usage as CSV: quotes and line ends are kept, and nothing in it is a formula', () => {
  const rows = ['=cmd()', 'a "b", c', '-1', 'plain'].map((key) => ({ key, name: null, ...figures }));
  const text = renderCsv('model', rows, ({ key }) => key ?? '', 'EUR');
  expect(text.split('\r\n')).toEqual([
    'model,id,calls,input tokens,cached input tokens,output tokens,cost (EUR)',
    `'=cmd(),'=cmd(),2,10,4,5,1.5`,
    '"a ""b"", c","a ""b"", c",2,10,4,5,1.5',
    `'-1,'-1,2,10,4,5,1.5`,
    'plain,plain,2,10,4,5,1.5',
    '',
  ]);
});
