/** How often each kind of act is allowed; `LIMITS` overrides any of them by name. */
import type { Limit } from '#kernel/http';

export const readLimit: Limit = { name: 'agents.read', max: 600, windowSeconds: 60, by: 'user' };
export const writeLimit: Limit = { name: 'agents.write', max: 120, windowSeconds: 3_600, by: 'user' };
export const uploadLimit: Limit = { name: 'agents.upload', max: 60, windowSeconds: 3_600, by: 'user' };
export const conversationLimit: Limit = { name: 'agents.conversation', max: 120, windowSeconds: 60, by: 'user' };
/** Each of these costs a model call. */
export const chatLimit: Limit = { name: 'agents.chat', max: 30, windowSeconds: 60, by: 'user' };
/** What all of an organisation may ask together, by its plan. */
export { agentChatByPlan as chatPlanLimit } from '#kernel/limits';
