/** Makes small, real PDF files for tests: pages of text, scanned pages without any, and protected ones. */

export interface PdfOptions {
  /** True: the file asks for a password that nobody has. */
  readonly isEncrypted?: boolean;
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\()]/g, String.raw`\$&`);
}

/** drawPage shows each line 14 points below the one before; an empty line leaves a gap, as a paragraph does. */
function drawPage(text: string): string {
  if (text === '') return '0.5 g 100 100 300 500 re f';
  const lines = text.split('\n').map((line) => `(${escapeText(line)}) Tj T*`);
  return `BT /F1 12 Tf 14 TL 72 760 Td ${lines.join('\n')} ET`;
}

/** makePdf returns a PDF with one page per text (Latin-1); an empty text makes a page with a drawing only, like a scan. */
export function makePdf(pages: readonly string[], options: PdfOptions = {}): Uint8Array {
  const firstPage = 4;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, index) => `${firstPage + index * 2} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((text, index) => {
      const content = drawPage(text);
      const page = `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${firstPage + index * 2 + 1} 0 R >>`;
      return [page, `<< /Length ${Buffer.byteLength(content, 'latin1')} >>\nstream\n${content}\nendstream`];
    }),
  ];
  const encryption = options.isEncrypted
    ? `/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >> /ID [<${'ef'.repeat(16)}> <${'ef'.repeat(16)}>]`
    : '';
  let file = '%PDF-1.7\n';
  const offsets = objects.map((object, index) => {
    const offset = Buffer.byteLength(file, 'latin1');
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = Buffer.byteLength(file, 'latin1');
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`;
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${encryption} >>\nstartxref\n${start}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(file, 'latin1'));
}
