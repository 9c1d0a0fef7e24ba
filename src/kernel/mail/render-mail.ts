/** A mail of ours is the same in text and HTML, holds nothing that is fetched, and shows people's words as words. */

export interface MailContent {
  readonly title: string;
  /** Plain sentences; line breaks are kept. */
  readonly paragraphs: readonly string[];
  /** One thing to do; `url` must be http or https. */
  readonly button?: { readonly label: string; readonly url: string };
  /** Small print, such as why one gets this. */
  readonly footer?: string;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** escapeHtml makes any text harmless between tags and in quoted attributes. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => escapes[letter] ?? letter);
}

const fonts = `font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif`;

function renderParagraph(text: string): string {
  const lines = escapeHtml(text).replaceAll(/\r\n?|\n/g, '<br>');
  return `<p class="text" style="margin:0 0 16px;color:#334155;font-size:16px;line-height:24px;overflow-wrap:anywhere">${lines}</p>`;
}

function renderButton({ label, url }: NonNullable<MailContent['button']>): string {
  const address = escapeHtml(url);
  return `<table role="presentation" cellpadding="0" cellspacing="0" style="margin:8px 0 24px"><tr>
<td style="border-radius:8px;background:#1f758f"><a href="${address}" style="display:inline-block;padding:12px 24px;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none">${escapeHtml(label)}</a></td>
</tr></table>
<p class="quiet" style="margin:0 0 16px;color:#64748b;font-size:13px;line-height:20px;overflow-wrap:anywhere">If the button does not work, open this address:<br><a class="quiet" href="${address}" style="color:#475569">${address}</a></p>`;
}

/** Dark colours for the programs that ask for them; the others show the light ones, which stand in the tags. */
const darkStyle = `<style>@media (prefers-color-scheme:dark){.page{background:#0f172a!important}.card{background:#1e293b!important;border-color:#334155!important}
.title{color:#f1f5f9!important}.text{color:#cbd5e1!important}.quiet{color:#94a3b8!important}}</style>`;

function renderHtml({ title, paragraphs, button, footer }: MailContent): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>${darkStyle}</head>
<body class="page" style="margin:0;padding:0;background:#f1f5f9;${fonts}">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f1f5f9"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;border:1px solid #e2e8f0;border-radius:12px"><tr><td style="padding:32px">
<h1 class="title" style="margin:0 0 16px;color:#0f172a;font-size:22px;line-height:28px;overflow-wrap:anywhere">${escapeHtml(title)}</h1>
${paragraphs.map(renderParagraph).join('\n')}
${button ? renderButton(button) : ''}</td></tr></table>
${footer ? `<p class="quiet" style="max-width:560px;margin:16px 0 0;color:#64748b;font-size:13px;line-height:20px">${escapeHtml(footer)}</p>` : ''}
</td></tr></table></body></html>`;
}

function renderText({ title, paragraphs, button, footer }: MailContent): string {
  const parts = [title, ...paragraphs, ...(button ? [`${button.label}:\n${button.url}`] : [])];
  return `${[...parts, ...(footer ? [`-- \n${footer}`] : [])].join('\n\n')}\n`;
}

/** renderMail makes both bodies of a message. Throws when the button leads anywhere but to http or https. */
export function renderMail(content: MailContent): { readonly text: string; readonly html: string } {
  const { button } = content;
  if (button && !/^https?:\/\//i.test(button.url)) throw new Error('a button in a mail leads to a web address');
  return { text: renderText(content), html: renderHtml(content) };
}
