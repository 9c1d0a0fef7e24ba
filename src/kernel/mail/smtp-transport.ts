/** One way to the mail server: encrypted unless it is this machine, bounded in every wait, and no file or address is ever read for a message. */
import type { Config } from '#kernel/config';

/** OutgoingMail is a message as it goes over the wire. */
export interface OutgoingMail {
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
}

/** SmtpFailure says whether the same message would be refused again. */
export interface SmtpFailure {
  readonly isPermanent: boolean;
  /** In the words of the mail server, one line. */
  readonly reason: string;
}

export interface SmtpTransport {
  /** Resolves when the server has taken the message; rejects with whatever went wrong, after `signal` at the latest. */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface SmtpOptions {
  readonly config: Pick<Config, 'mailSmtpUrl' | 'mailFrom' | 'mailSmtpTls' | 'mailTimeoutSeconds'>;
  /** Certificates to trust besides the system's, in PEM. */
  readonly ca?: string;
}

/** Connections to the mail server at once, and so messages under way at once. */
export const smtpConnections = 3;

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i;

/** openTransport loads the library with the first message: a fifth of a second that a starting server need not wait for. */
async function openTransport({ config, ca }: SmtpOptions, mailSmtpUrl: string) {
  const { createTransport } = await import('nodemailer');
  const url = new URL(mailSmtpUrl);
  const isImplicit = url.protocol === 'smtps:';
  const isTlsNeeded = config.mailSmtpTls === 'required' && !loopback.test(url.hostname);
  const milliseconds = config.mailTimeoutSeconds * 1000;
  return createTransport({
    pool: true,
    maxConnections: smtpConnections,
    // A connection that breaks during a message is one failed try, which the outbox counts; the pool must not repeat it.
    maxRequeues: 0,
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: Number(url.port) || (isImplicit ? 465 : 587),
    secure: isImplicit,
    requireTLS: !isImplicit && isTlsNeeded,
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    dnsTimeout: milliseconds,
    idleTimeout: 30_000,
    socketCloseTimeout: 1_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** createSmtpTransport makes the pool; null without MAIL_SMTP_URL. Nothing is connected before the first message. */
export function createSmtpTransport(options: SmtpOptions): SmtpTransport | null {
  const { mailSmtpUrl, mailFrom } = options.config;
  if (mailSmtpUrl === undefined || mailFrom === undefined) return null;
  let opening: ReturnType<typeof openTransport> | undefined;
  return {
    async send(mail, signal) {
      const transport = await (opening ??= openTransport(options, mailSmtpUrl));
      await transport.sendMail({
        from: mailFrom,
        to: { name: '', address: mail.to },
        subject: mail.subject,
        text: mail.text,
        ...(mail.html === null ? {} : { html: mail.html }),
        messageId: mail.messageId,
        // Says to other programs that no person wrote this, so that none answers it.
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        signal,
      });
    },
    close: () => void opening?.then((transport) => transport.close({ force: true })),
  };
}

interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly message?: string;
}

/** What the server says about sender, recipient or content; a refused log-in is the operator's to mend, and may pass. */
const aboutTheMessage = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);

const openings: Readonly<Record<string, string>> = {
  EABORT: 'The mail server took too long.',
  EAUTH: 'The mail server refuses the user name or password: ',
  ETLS: 'The connection could not be encrypted: ',
};

/** describeSmtpFailure sorts what a try failed of. A 5xx about the message is for good; all else may pass. */
export function describeSmtpFailure(error: unknown): SmtpFailure {
  const { code, command = '', responseCode = 0, response, message = '' } = error as SmtpError;
  const isPermanent = responseCode >= 500 && responseCode < 600 && aboutTheMessage.has(command);
  const reason = (openings[code ?? ''] ?? '') + (code === 'EABORT' ? '' : (response ?? message));
  return { isPermanent, reason: reason.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 500) };
}
