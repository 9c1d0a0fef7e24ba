/** AuditFilterBar narrows the trail; on a phone it folds away behind a button that says how many filters apply. */
import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { usePages } from '../../api-hooks.ts';
import { ActionFilter } from './action-filter.tsx';
import { auditApi, kindLabels } from './audit-api.ts';
import classes from './audit.module.css';
import type { AuditFilters } from './use-audit-filters.ts';

interface AuditFilterBarProps {
  readonly filters: AuditFilters;
  readonly count: number;
  /** How often they were cleared. */
  readonly clearings: number;
  readonly onChange: (changes: AuditFilters) => void;
  readonly onClear: () => void;
}

const typingMilliseconds = 350;

export function AuditFilterBar({ filters, count, clearings, onChange, onClear }: AuditFilterBarProps) {
  const [isOpen, setOpen] = useState(false);
  const people = usePages(auditApi, 'GET /audit-actors', { query: { limit: 200 } });
  return (
    <section aria-label="Filters" className={classes.filters}>
      <Button
        className={classes.filterToggle}
        variant="default"
        leftSection={<IconFilter size={16} />}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {count === 0 ? 'Filters' : `Filters (${count})`}
      </Button>
      {/* New fields after clearing: what was typed just before must not be applied after it. */}
      <div key={clearings} className={classes.filterFields} data-open={isOpen || undefined}>
        <ActionFilter applied={filters.action ?? ''} onChange={(action) => onChange({ action })} />
        <TypedFilter name="resource" label="Resource" placeholder="such as agent:" {...{ filters, onChange }} />
        <Select
          label="Person"
          placeholder="Anybody"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any person' }}
          nothingFoundMessage="Nobody of this name in the trail"
          data={people.items.map(({ userId, name }) => ({
            value: userId,
            label: name ?? `Deleted account ${userId.slice(-4)}`,
          }))}
          value={filters.actorUserId ?? null}
          onChange={(value) => onChange({ actorUserId: value ?? '' })}
        />
        <Select
          label="How"
          placeholder="In any way"
          clearable
          clearButtonProps={{ 'aria-label': 'In any way' }}
          data={Object.entries(kindLabels).map(([value, label]) => ({ value, label }))}
          value={filters.actorKind ?? null}
          onChange={(value) => onChange({ actorKind: value ?? '' })}
        />
        <DayFilter name="from" label="From" {...{ filters, onChange }} />
        <DayFilter name="to" label="To" {...{ filters, onChange }} />
        {count > 0 ? (
          <Button
            variant="subtle"
            color="gray"
            className={classes.clear}
            leftSection={<IconX size={16} />}
            onClick={onClear}
          >
            Clear
          </Button>
        ) : null}
      </div>
    </section>
  );
}

interface FieldProps {
  readonly name: keyof AuditFilters;
  readonly label: string;
  readonly filters: AuditFilters;
  readonly onChange: (changes: AuditFilters) => void;
}

/** TypedFilter applies what was typed after a moment's rest, so that no letter costs a request. */
function TypedFilter({ name, label, filters, onChange, placeholder }: FieldProps & { readonly placeholder: string }) {
  const applied = filters[name] ?? '';
  const [typed, setTyped] = useState({ text: applied, of: applied });
  // A filter that was cleared or set elsewhere shows here too.
  if (typed.of !== applied) setTyped({ text: applied, of: applied });
  const apply = useDebouncedCallback((text: string) => onChange({ [name]: text.trim() }), typingMilliseconds);
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      maxLength={200}
      autoCapitalize="none"
      spellCheck={false}
      value={typed.text}
      onChange={({ currentTarget: { value } }) => {
        setTyped({ text: value, of: applied });
        apply(value);
      }}
    />
  );
}

function DayFilter({ name, label, filters, onChange }: FieldProps) {
  return (
    <TextInput
      type="date"
      label={label}
      value={filters[name] ?? ''}
      max="9999-12-31"
      onChange={({ currentTarget: { value } }) => onChange({ [name]: value })}
    />
  );
}
