/** Limits that several applications share, by name; `LIMITS` overrides each. */
import type { LimitRule, PlanLimit } from './types.ts';

type SharedRule = LimitRule & { readonly by: 'user' | 'tenant' };

/** sharedRules are declared once, so that the same act is counted as one wherever it is asked for (K4.2). */
export const sharedRules = {
  /** Pictures a model is asked to draw. */
  image: { name: 'images.generate', max: 10, windowSeconds: 3_600, by: 'user' },
  companionCreate: { name: 'companions.companion.create', max: 10, windowSeconds: 3_600, by: 'user' },
  /** Events of embedded widgets, counted per project: `limits.take(sharedRules.widgetEvent, 'project:' + id)`. */
  widgetEvent: { name: 'widgets.event', max: 600, windowSeconds: 60, kind: 'sliding', by: 'tenant' },
} as const satisfies Record<string, SharedRule>;

/** agentChatByPlan is what an organisation's agents may be asked, besides what each person may ask. */
export const agentChatByPlan: PlanLimit = {
  name: 'agents.chat',
  byPlan: {
    free: { max: 30, windowSeconds: 60 },
    pro: { max: 100, windowSeconds: 60 },
    enterprise: { max: 1_000, windowSeconds: 60 },
  },
};

/** ruleOfPlan is a plan's limit under its own name, `agents.chat.pro`. */
export function ruleOfPlan({ byPlan, name }: PlanLimit, plan: keyof PlanLimit['byPlan']): LimitRule {
  return { name: `${name}.${plan}`, family: name, ...byPlan[plan] };
}
