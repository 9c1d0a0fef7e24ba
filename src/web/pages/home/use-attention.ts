/** What one should see to: each with the page where that is done. What cannot be asked just now is left out. */
import { IconChartBar, IconLifebuoy, IconMailQuestion, IconPlugConnected, IconShieldLock } from '@tabler/icons-react';
import { useQueries } from '@tanstack/react-query';
import { queryOf } from '../../api-hooks.ts';
import { createApi } from '../../api.ts';
import type { supportContract } from '../../../kernel/admin/support/contract.ts';
import { useSession } from '../../session.ts';
import type { IconType } from '../../ui/states.tsx';
import { modelsApi } from '../models/models-api.ts';
import { factorsQuery } from '../security/security-api.ts';
import { usageApi, type BudgetSummary } from '../usage/usage-api.ts';
import { nameOfBudget } from '../usage/budget-names.ts';
import { usedShare } from '../usage/usage-format.ts';

const supportApi = createApi<typeof supportContract>();

export interface AttentionItem {
  readonly id: string;
  readonly icon: IconType;
  readonly title: string;
  readonly text: string;
  readonly to: string;
}

const kept = { staleTime: 30_000, retry: false } as const;

/** From here on a budget is worth a word, as its meter and its notification say too. */
const warnedShare = 0.8;

/** useAttention is null until everything is known, so that nothing jumps when it is. */
export function useAttention(): readonly AttentionItem[] | null {
  const { user, permissions } = useSession();
  const may = (permission: string) => permissions.includes(permission);
  const [factors, connections, usage, support] = useQueries({
    queries: [
      { ...factorsQuery, ...kept },
      {
        ...queryOf(modelsApi, 'GET /model-connections', { query: { limit: 1 } }),
        ...kept,
        enabled: may('models.connection.write'),
      },
      { ...queryOf(usageApi, 'GET /usage'), ...kept },
      {
        ...queryOf(supportApi, 'GET /support-access', { query: { limit: 20 } }),
        ...kept,
        enabled: may('support.access.answer'),
      },
    ],
  });
  if ([factors, connections, usage, support].some(({ isLoading }) => isLoading)) return null;
  const asked = support.data?.items.find(({ state }) => state === 'asked');
  const worst = usage.data?.budgets.toSorted((one, other) => usedShare(other) - usedShare(one))[0];
  return [
    asked ? supportAsked(asked) : null,
    worst && usedShare(worst) >= warnedShare ? budgetUsed(worst) : null,
    user.isEmailVerified ? null : unconfirmed(user.email),
    factors.data && !hasSecondStep(factors.data) ? noSecondStep : null,
    connections.data?.items.every(isBuiltIn) ? noModel : null,
  ].filter((item) => item !== null);
}

const hasSecondStep = (factors: { isTotpActive: boolean; passkeys: number }) =>
  factors.isTotpActive || factors.passkeys > 0;

/** The offline model is always listed; it is nobody's connection. */
const isBuiltIn = ({ id }: { id: string | null }) => id === null;

const supportAsked = ({ askedBy, reason }: { askedBy: string; reason: string }): AttentionItem => ({
  id: 'support',
  icon: IconLifebuoy,
  title: `${askedBy} asks to look into this organisation`,
  text: reason,
  to: '/settings/support',
});

function budgetUsed(budget: BudgetSummary): AttentionItem {
  const isOver = usedShare(budget) >= 1;
  const name = nameOfBudget(budget);
  return {
    id: 'budget',
    icon: IconChartBar,
    title: isOver ? `${name} is used up` : `${name}: ${Math.floor(usedShare(budget) * 100)} % used`,
    text: isOver
      ? 'Agents cannot ask models until it renews or is raised.'
      : 'Agents stop asking models when it is used up.',
    to: '/settings/usage',
  };
}

const unconfirmed = (email: string): AttentionItem => ({
  id: 'email',
  icon: IconMailQuestion,
  title: 'Confirm your e-mail address',
  text: `Until then nothing is mailed to ${email}, not even a way back in.`,
  to: '/settings/profile',
});

const noSecondStep: AttentionItem = {
  id: 'factor',
  icon: IconShieldLock,
  title: 'Protect your account',
  text: 'A passkey or an authenticator app keeps out whoever learns your password.',
  to: '/settings/security',
};

const noModel: AttentionItem = {
  id: 'model',
  icon: IconPlugConnected,
  title: 'Connect a model',
  text: 'Without one, only the offline model answers: it repeats what it finds.',
  to: '/settings/models',
};
