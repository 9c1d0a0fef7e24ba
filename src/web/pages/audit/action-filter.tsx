/** ActionFilter narrows the trail to an action chosen by what it is called, or to all whose id begins with what is typed. */
import { Autocomplete } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { useActionLabels } from './audit-api.ts';
import classes from './audit.module.css';

interface ActionFilterProps {
  /** What is applied; empty for all actions. */
  readonly applied: string;
  readonly onChange: (action: string) => void;
}

const typingMilliseconds = 350;

export function ActionFilter({ applied, onChange }: ActionFilterProps) {
  const { labels } = useActionLabels();
  const [typed, setTyped] = useState({ text: applied, of: applied });
  // A filter that was cleared or set elsewhere shows here too.
  if (typed.of !== applied) setTyped({ text: applied, of: applied });
  const apply = useDebouncedCallback((text: string) => {
    if (!isLabelSearch(text, labels)) onChange(text);
  }, typingMilliseconds);
  return (
    <Autocomplete
      label="Action"
      placeholder="Any"
      maxLength={200}
      autoCapitalize="none"
      spellCheck={false}
      data={[...labels.keys()]}
      filter={({ options, search }) => {
        const wanted = search.trim().toLowerCase();
        return options.filter(
          (option) =>
            'value' in option && (option.value.startsWith(wanted) || hasInLabel(option.value, wanted, labels)),
        );
      }}
      renderOption={({ option }) => (
        <span className={classes.what}>
          <span className={classes.action}>{labels.get(option.value)}</span>
          <span className={classes.resource}>{option.value}</span>
        </span>
      )}
      maxDropdownHeight={320}
      comboboxProps={{ width: 'max-content', position: 'bottom-start', withinPortal: false }}
      value={typed.text}
      onChange={(text) => {
        setTyped({ text, of: applied });
        apply(text.trim());
      }}
    />
  );
}

function hasInLabel(action: string, wanted: string, labels: ReadonlyMap<string, string>): boolean {
  return labels.get(action)?.toLowerCase().includes(wanted) ?? false;
}

/** isLabelSearch tells who looks for a name in the list from who types the beginning of an id. */
function isLabelSearch(text: string, labels: ReadonlyMap<string, string>): boolean {
  const wanted = text.toLowerCase();
  const actions = [...labels.keys()];
  return (
    !actions.some((action) => action.startsWith(wanted)) && actions.some((action) => hasInLabel(action, wanted, labels))
  );
}
