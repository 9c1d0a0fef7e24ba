/** Settings of plans and their monthly credits. */
import type { Setting } from '../settings.ts';

const currencies =
  'USD EUR GBP CHF SEK NOK DKK PLN CZK HUF TRY AUD NZD CAD MXN BRL ZAR JPY CNY HKD TWD SGD KRW INR IDR THB AED ILS'.split(
    ' ',
  );

const credits = { type: 'integer', min: 0, max: 1_000_000_000_000_000, group: 'limits' } as const;

export const creditSettings = {
  CURRENCY: {
    type: { oneOf: currencies },
    default: 'USD',
    group: 'limits',
    doc: 'Currency of prices, costs and budgets, which are kept in its millionths. Changing it converts nothing.',
  },
  DEFAULT_PLAN: {
    type: { oneOf: ['free', 'pro', 'enterprise'] },
    default: 'free',
    group: 'limits',
    doc: 'Plan of organisations that were given none.',
  },
  PLAN_CREDITS_FREE: {
    ...credits,
    doc: 'Monthly credits of the plan free, in millionths of CURRENCY: 5000000 is 5.00. Default: no ceiling.',
  },
  PLAN_CREDITS_PRO: { ...credits, doc: 'Monthly credits of the plan pro, likewise.' },
  PLAN_CREDITS_ENTERPRISE: { ...credits, doc: 'Monthly credits of the plan enterprise, likewise.' },
} as const satisfies Record<string, Setting>;
