/** What may be wrong with mail before it leaves. */
import { defineErrors } from '#kernel/errors';

export const mailErrors = defineErrors('mail', {
  MAIL_ADDRESS_INVALID: { status: 400, public: 'This is not an e-mail address that mail can be sent to.' },
  MAIL_NOT_CONFIGURED: {
    status: 409,
    public: 'The server has no mail server to send through. Set MAIL_SMTP_URL and MAIL_FROM, and restart it.',
  },
  MAIL_NOT_RESENDABLE: {
    status: 409,
    public: 'Only messages that are kept or have failed can be sent again; this one is on its way or was delivered.',
  },
});
