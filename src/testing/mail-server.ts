/** A real SMTP server for tests: it keeps what it takes, and refuses, stalls or waits as the test says. */
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** ReceivedMail is a message as it came over the wire. */
export interface ReceivedMail {
  readonly to: string;
  readonly from: string;
  readonly raw: string;
  /** A header's value, unfolded; empty when there is none. */
  header(name: string): string;
  readonly messageId: string;
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
}

export interface MailServerOptions {
  /** A port that was free before; any free one by default. */
  readonly port?: number;
  /** Answers to RCPT TO by address, such as `550 no such mailbox`. */
  readonly refuse?: Readonly<Record<string, string>>;
  /** Waited for between the whole message and the answer. */
  readonly beforeAnswer?: (mail: ReceivedMail) => Promise<void>;
  readonly smtp?: SMTPServerOptions;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Everything taken, in order; what is waited for in `beforeAnswer` is among it. */
  readonly received: readonly ReceivedMail[];
}

function describeMail(
  raw: string,
  to: string,
  from: string,
  isEncrypted: boolean,
  user: string | undefined,
): ReceivedMail {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  const header = (name: string): string =>
    head
      .split('\r\n')
      .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  return { raw, to, from, isEncrypted, user, header, messageId: header('message-id') };
}

/** startMailServer listens on the loopback address; `await using` ends it and every connection. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  const answer = async (mail: ReceivedMail, done: (error?: Error) => void): Promise<void> => {
    await options.beforeAnswer?.(mail);
    done();
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: options.smtp?.key ? [] : ['STARTTLS'],
    closeTimeout: 10,
    onRcptTo({ address }, _session, done) {
      const refusal = options.refuse?.[address];
      if (!refusal) return done();
      return done(Object.assign(new Error(refusal.slice(4)), { responseCode: Number(refusal.slice(0, 3)) }));
    },
    onData(stream, session, done) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : '';
        const to = rcptTo.map(({ address }) => address).join(', ');
        const mail = describeMail(
          Buffer.concat(pieces).toString('utf8'),
          to,
          from,
          session.secure,
          session.user as string,
        );
        received.push(mail);
        void answer(mail, done);
      });
    },
    ...options.smtp,
  });
  // Clients that a test kills or times out end their connections rudely.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
