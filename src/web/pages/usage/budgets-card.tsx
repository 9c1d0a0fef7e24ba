/** BudgetsCard lets owners and admins set, raise and remove budgets: for all, for people, for agents. */
import { ActionIcon, Button, Group, Menu, Stack, Text, Title } from '@mantine/core';
import { IconCoins, IconDots, IconKey, IconPlus, IconRobot, IconUser, IconUsers } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { ListDialogs, type ListDialog } from '../../ui/list-dialogs.tsx';
import { EmptyState, type IconType } from '../../ui/states.tsx';
import { BudgetForm } from './budget-form.tsx';
import { useKeyNames, useSubjectNames } from './subject-names.ts';
import { usageApi, type Budget } from './usage-api.ts';
import { formatAmount, usedShare } from './usage-format.ts';

type Dialog = ListDialog<Budget>;

const icons: Record<Budget['scope'], IconType> = {
  plan: IconCoins,
  organisation: IconUsers,
  user: IconUser,
  subject: IconRobot,
  key: IconKey,
};
const forEach = { user: 'Each person', subject: 'Each agent', key: 'Each API key' } as const;

function nameHolder(budget: Budget, subjects: ReadonlyMap<string, string>): string {
  const { holder, holderName, scope } = budget;
  if (scope === 'plan') return 'Credits of the plan';
  if (scope === 'organisation') return 'The whole organisation';
  if (holder === '*') return forEach[scope];
  if (scope === 'user') return holderName ?? 'Somebody who left';
  return subjects.get(holder) ?? holder;
}

export function BudgetsCard({ currency }: { readonly currency: string }) {
  const budgets = usePages(usageApi, 'GET /budgets');
  const agents = useSubjectNames(budgets.items.some(({ scope }) => scope === 'subject'));
  const keys = useKeyNames(budgets.items.some(({ scope }) => scope === 'key'));
  const subjects = new Map([...agents, ...keys]);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const addButton = (
    <Button size="xs" leftSection={<IconPlus size={16} />} onClick={() => setDialog({ kind: 'add' })}>
      Set a budget
    </Button>
  );
  return (
    <>
      <Stack gap="sm" component="section">
        <Group justify="space-between">
          <Title order={2}>Budgets</Title>
          {budgets.items.length > 0 ? addButton : null}
        </Group>
        <PagedList
          label="Budgets"
          pages={budgets}
          itemKey={(budget) => budget.id}
          empty={
            <EmptyState icon={IconCoins} title="No budgets" action={addButton}>
              A budget stops model calls before they cost more than you want: in all, for each person, agent or API key.
              You are told when 80{'\u00A0'}% are used.
            </EmptyState>
          }
          renderItem={(budget) => (
            <BudgetRow budget={budget} currency={currency} name={nameHolder(budget, subjects)} onDialog={setDialog} />
          )}
        />
      </Stack>
      <BudgetDialogs dialog={dialog} currency={currency} subjects={subjects} onClose={() => setDialog(null)} />
    </>
  );
}

interface BudgetRowProps {
  readonly budget: Budget;
  readonly name: string;
  readonly currency: string;
  readonly onDialog: (dialog: Dialog) => void;
}

function BudgetRow({ budget, currency, name, onDialog }: BudgetRowProps) {
  const { balance, limit, period, scope, unit } = budget;
  const Icon = icons[scope];
  return (
    <DataRow
      icon={<Icon size={22} stroke={1.5} />}
      title={name}
      description={`${formatAmount(limit, unit, currency)} a ${period}`}
      meta={
        balance ? (
          <Text span size="sm">
            {formatAmount(balance.spent, unit, currency)} used, {Math.floor(usedShare(budget) * 100)} %
          </Text>
        ) : null
      }
      actions={
        scope === 'plan' ? null : (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon aria-label={`More for the budget of ${name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => onDialog({ kind: 'edit', entry: budget })}>Change</Menu.Item>
              <Menu.Item color="red" onClick={() => onDialog({ kind: 'delete', entry: budget })}>
                Remove
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )
      }
    />
  );
}

interface BudgetDialogsProps {
  readonly dialog: Dialog | null;
  readonly currency: string;
  readonly subjects: ReadonlyMap<string, string>;
  readonly onClose: () => void;
}

function BudgetDialogs({ currency, dialog, onClose, subjects }: BudgetDialogsProps) {
  const queryClient = useQueryClient();
  const refresh = () => {
    onClose();
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /usage') });
    return queryClient.invalidateQueries({ queryKey: keyOf('GET /budgets') });
  };
  const remove = useCall(usageApi, 'DELETE /budgets/{budgetId}', { onSuccess: refresh });
  return (
    <ListDialogs
      dialog={dialog}
      onClose={onClose}
      addTitle="Set a budget"
      editTitle={() => 'Change the budget'}
      renderForm={(budget) => (
        <BudgetForm
          budget={budget}
          holderName={budget ? nameHolder(budget, subjects) : ''}
          currency={currency}
          onSaved={() => void refresh()}
          onCancel={onClose}
        />
      )}
      deletion={{
        title: (budget) => `Remove the budget of ${nameHolder(budget, subjects)}?`,
        label: 'Remove',
        text: 'Nothing will stop these calls any more. What was used stays in the records.',
        isBusy: remove.isPending,
        error: remove.error,
        onConfirm: ({ id }) => remove.mutate({ params: { budgetId: id } }),
      }}
    />
  );
}
