/** ScopePicker lists what one may do oneself, by application and in sentences, to choose what a key may do. */
import { Button, Checkbox, Group, Input, Stack, Text } from '@mantine/core';
import type { Scope } from './api-keys-api.ts';
import classes from './api-keys.module.css';

interface ScopePickerProps {
  readonly scopes: readonly Scope[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: string[]) => void;
  readonly error: string | undefined;
}

export function ScopePicker({ scopes, chosen, onChange, error }: ScopePickerProps) {
  const groups = [...Map.groupBy(scopes, (scope) => scope.group)];
  return (
    <Input.Wrapper
      component="fieldset"
      className={classes.fieldset}
      label="What it may do"
      labelElement="div"
      description="Give it only what its program needs. It never does more than you may do yourself."
      error={error}
    >
      <div className={classes.scopes} tabIndex={0} role="group" aria-label="Permissions">
        <Checkbox.Group value={[...chosen]} onChange={onChange}>
          <Stack gap="md">
            {groups.map(([group, members]) => (
              <ScopeGroup key={group} group={group} scopes={members} chosen={chosen} onChange={onChange} />
            ))}
          </Stack>
        </Checkbox.Group>
      </div>
    </Input.Wrapper>
  );
}

interface ScopeGroupProps {
  readonly group: string;
  readonly scopes: readonly Scope[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: string[]) => void;
}

function ScopeGroup({ group, scopes, chosen, onChange }: ScopeGroupProps) {
  const names = scopes.map((scope) => scope.permission);
  const isWhole = names.every((name) => chosen.includes(name));
  const others = chosen.filter((name) => !names.includes(name));
  return (
    <div>
      <Group justify="space-between" mb={6}>
        <Text fw={600} size="sm">
          {group}
        </Text>
        <Button
          size="compact-xs"
          variant="subtle"
          aria-label={`${isWhole ? 'Clear' : 'Choose all of'} ${group}`}
          onClick={() => onChange(isWhole ? others : [...others, ...names])}
        >
          {isWhole ? 'Clear' : 'All'}
        </Button>
      </Group>
      <Stack gap={8}>
        {scopes.map(({ permission, meaning }) => (
          <Checkbox key={permission} value={permission} label={meaning} description={permission} />
        ))}
      </Stack>
    </div>
  );
}
