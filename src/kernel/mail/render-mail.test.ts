/** Mails of ours say the same in text and HTML, fetch nothing, and show people's words as words. */
import { expect, test } from 'vitest';
import { renderMail } from './index.ts';

const content = {
  title: 'Reset your password',
  paragraphs: ['Somebody asked for a new password.', 'Was it not you?\nThen do nothing.'],
  button: { label: 'Choose a new password', url: 'https://example.com/reset?a=1&b=2#token=x' },
  footer: 'You get this because you have an account.',
};

test('[K17.3] text and HTML hold the same words and the address to open', () => {
  const { text, html } = renderMail(content);
  for (const words of [content.title, content.paragraphs[0] ?? '', content.button.label, content.footer]) {
    expect(text).toContain(words);
    expect(html).toContain(words);
  }
  expect(text).toContain(content.button.url);
  expect(html).toContain('href="https://example.com/reset?a=1&amp;b=2#token=x"');
  expect(html).toContain('Was it not you?<br>Then do nothing.');
});

test('[K17.3] [K8.1] what people wrote cannot become markup, wherever it stands', () => {
  const evil = `"><img src=x onerror=alert(1)>'&`;
  const { html } = renderMail({
    title: evil,
    paragraphs: [evil],
    button: { label: evil, url: `https://example.com/?q=${evil}` },
    footer: evil,
  });
  expect(html).not.toContain('<img');
  expect(html).not.toContain(evil);
  expect(html.match(/&lt;img/g)?.length).toBeGreaterThanOrEqual(5);
});

test('[K17.3] nothing is fetched when a mail is opened', () => {
  const { html } = renderMail(content);
  expect(html).not.toMatch(/<(img|link|script|iframe|object|video|audio|form)\b|@import|url\(|src=|background=/i);
});

test.each(['javascript:alert(1)', 'data:text/html,x', '/reset', ''])('[K17.3] a button never leads to %j', (url) => {
  expect(() => renderMail({ title: 'x', paragraphs: [], button: { label: 'x', url } })).toThrow(/web address/);
});
