/** Plans say how much an organisation may do: their limits are declared where they apply, their credits are settings. */
import type { Config } from '#kernel/config';
import type { Plan } from './types.ts';

export type PlanConfig = Pick<
  Config,
  'currency' | 'defaultPlan' | 'planCreditsFree' | 'planCreditsPro' | 'planCreditsEnterprise'
>;

/** monthlyCredits is what a plan grants per month in millionths of CURRENCY; null without a ceiling. */
export function monthlyCredits(plan: Plan, config: PlanConfig): number | null {
  const credits = {
    free: config.planCreditsFree,
    pro: config.planCreditsPro,
    enterprise: config.planCreditsEnterprise,
  };
  return credits[plan] ?? null;
}
