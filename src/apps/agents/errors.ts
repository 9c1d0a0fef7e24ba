/** Every failure of the agents application that a person can see, in one table. */
import { defineErrors } from '#kernel/errors';

export const agentsErrors = defineErrors('agents', {
  AGENT_NOT_FOUND: { status: 404, public: 'There is no such agent, or you may not see it.' },
  AGENT_CHANGED: {
    status: 409,
    public: 'Somebody else changed this agent meanwhile. Reload it and apply your change again.',
  },
  DOCUMENT_NOT_FOUND: { status: 404, public: 'There is no such document, or you may not see it.' },
  PASSAGE_NOT_FOUND: { status: 404, public: 'This passage is gone: its document was deleted or read anew.' },
  CONVERSATION_NOT_FOUND: { status: 404, public: 'There is no such conversation, or you may not see it.' },
  NOTHING_TO_REGENERATE: { status: 409, public: 'There is no message to answer yet.' },
  DOCUMENT_NOT_FAILED: { status: 409, public: 'Only a document that failed can be read again.' },
  DOCUMENT_TYPE_UNSUPPORTED: { status: 415, public: 'Only text, Markdown and PDF files can be read.' },
  DOCUMENT_EMPTY: { status: 422, public: 'The file is empty.' },
  DOCUMENT_NOT_TEXT: {
    status: 422,
    public: 'The file is not readable text. Save it as UTF-8 text and upload it again.',
  },
  DOCUMENT_ENCRYPTED: {
    status: 422,
    public: 'The PDF is protected by a password. Remove the protection and upload it again.',
  },
  DOCUMENT_HAS_NO_TEXT: {
    status: 422,
    public: 'The document holds no text. A scanned PDF needs text recognition (OCR) first.',
  },
  DOCUMENT_DAMAGED: {
    status: 422,
    public: 'The PDF is damaged and cannot be read. Export it anew and upload it again.',
  },
  DOCUMENT_TOO_LONG: { status: 422, public: 'The document is too long. Split it into smaller files.' },
  DOCUMENT_TOO_COMPLEX: {
    status: 422,
    public: 'Reading the document took too much time or memory and was stopped. Split it or export it as text.',
  },
  DOCUMENT_UNREADABLE: {
    status: 500,
    public: 'The document could not be read because of a fault on our side. Try again.',
    isRetryable: true,
    isReportable: true,
  },
  ANSWER_EMPTY: {
    status: 502,
    public: 'The model gave an empty answer. Try again, or choose another model.',
    isRetryable: true,
  },
});

/** publicError renders a stored code of this table for people; an unknown code says nothing of itself. */
export function publicError(code: string): { code: string; detail: string; isRetryable: boolean } {
  const table: Readonly<Record<string, { public: string; isRetryable?: boolean }>> = agentsErrors.$table;
  const row = table[code] ?? agentsErrors.$table.DOCUMENT_UNREADABLE;
  return { code, detail: row.public, isRetryable: row.isRetryable ?? false };
}
