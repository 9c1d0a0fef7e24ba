/** Every failure is declared once, and what is not declared shows nothing of itself. */
import { describe, expect, test } from 'vitest';
import { AppError, defineErrors, isAppError, kernelErrors, listErrorTables, toProblem } from './index.ts';

const deskErrors = defineErrors('desk-of-errors-test', {
  TICKET_CLOSED: { status: 409, public: 'This ticket is closed.' },
  TICKET_BUSY: { status: 503, public: 'Try again.', isRetryable: true, isReportable: true },
});

describe('tables', () => {
  test('[K6.1] a declared error carries its code, status and public sentence', () => {
    const error = deskErrors.TICKET_BUSY();
    expect(error).toBeInstanceOf(AppError);
    expect(isAppError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'TICKET_BUSY', status: 503, isRetryable: true, message: 'Try again.' });
    expect(deskErrors.TICKET_CLOSED().isRetryable).toBe(false);
  });

  test('[K6.1] the log gets the internal text and the cause, in this order of preference', () => {
    const cause = new Error('deadlock');
    expect(deskErrors.TICKET_CLOSED({ internal: 'row 7', detail: 'Closed on Monday.', cause })).toMatchObject({
      message: 'row 7',
      cause,
    });
    expect(deskErrors.TICKET_CLOSED({ detail: 'Closed on Monday.' }).message).toBe('Closed on Monday.');
  });

  test('[K6.1] no two modules may declare the same code', () => {
    expect(() => defineErrors('other', { TICKET_CLOSED: { status: 400, public: '' } })).toThrow(
      /TICKET_CLOSED of other is already declared by desk/,
    );
    expect(listErrorTables().has('other')).toBe(false);
  });

  test("[K6.1] every table is listed for the reference page, and the kernel's is whole", () => {
    expect(listErrorTables().get('desk-of-errors-test')).toBe(deskErrors.$table);
    for (const [code, { status, public: sentence }] of Object.entries(kernelErrors.$table)) {
      expect(code).toMatch(/^[A-Z][A-Z_]+$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('toProblem', () => {
  test('[K6.1] a declared error becomes a problem document with a stable code and the request id', () => {
    const errors = [{ pointer: '/body/name', detail: 'is required' }];
    expect(
      toProblem(
        kernelErrors.INVALID_REQUEST({ errors, detail: 'Two members are wrong.', internal: 'secret' }),
        'req-1',
      ),
    ).toEqual({
      type: '/reference/errors#INVALID_REQUEST',
      title: kernelErrors.$table.INVALID_REQUEST.public,
      status: 400,
      detail: 'Two members are wrong.',
      code: 'INVALID_REQUEST',
      requestId: 'req-1',
      isRetryable: false,
      errors,
    });
  });

  test.each([new Error('password of db is hunter2'), 'hunter2', null, { status: 200, code: 'hunter2' }])(
    '[K6.1] anything else is a 500 that shows nothing of itself: %j',
    (thrown) => {
      const problem = toProblem(thrown, 'req-1');
      expect(problem).toMatchObject({ status: 500, code: 'INTERNAL', requestId: 'req-1' });
      expect(JSON.stringify(problem)).not.toContain('hunter2');
    },
  );

  test('[K6.1] extensions are added and can replace no standard member', () => {
    const problem = toProblem(
      deskErrors.TICKET_CLOSED({ extensions: { ticketId: 7, status: 200, code: 'OK' } }),
      'req-1',
    );
    expect(problem).toMatchObject({ ticketId: 7, status: 409, code: 'TICKET_CLOSED' });
  });
});
