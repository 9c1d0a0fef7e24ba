/** What the browser tests of agents upload and what their model says. */
import { makePdf } from '#testing/make-pdf';

const handbook =
  '# Delivery\n\nParcels arrive within five working days.\n\n# Returns\n\nReturns are free within thirty days.\n';

/** knowledgeFiles are three that can be read, and five that cannot, each for a reason of its own. */
export const knowledgeFiles = [
  { name: 'handbook.md', mimeType: 'text/markdown', buffer: Buffer.from(handbook) },
  {
    name: 'prices.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('A bicycle costs 400 euros. A bell costs 9 euros.'),
  },
  {
    name: 'warranty.pdf',
    mimeType: 'application/pdf',
    buffer: Buffer.from(makePdf(['The frame', 'The warranty of the frame lasts ten years.'])),
  },
  { name: 'scan.pdf', mimeType: 'application/pdf', buffer: Buffer.from(makePdf([''])) },
  {
    name: 'locked.pdf',
    mimeType: 'application/pdf',
    buffer: Buffer.from(makePdf(['secret'], { isEncrypted: true })),
  },
  {
    name: 'photo.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1]),
  },
  { name: 'music.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('ID3') },
  { name: 'empty.txt', mimeType: 'text/plain', buffer: Buffer.from('') },
];

/** markdownAnswer has what is hard to show: a table, a line longer than the window, a picture on a foreign host. */
export const markdownAnswer = [
  '## A heading\n\nSome **bold** words, `code` and a [link](https://example.com/a).\n\n',
  '| Part | Price |\n|---|---|\n| Bell | 9 € |\n| Frame | 300 € |\n\n',
  `\`\`\`js\nconst long = '${'x'.repeat(200)}';\n\`\`\`\n\n`,
  '- first\n- second\n\n![tracker](https://tracker.example/p.png)\n',
].join('');
