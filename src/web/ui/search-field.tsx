/** SearchField is where one types what a list is searched for; it can be emptied with one press. */
import { CloseButton, TextInput } from '@mantine/core';
import { useMergedRef } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useRef, type Ref } from 'react';

interface SearchFieldProps {
  /** For screen readers: `Search the agents`. */
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly className?: string | undefined;
  readonly ref?: Ref<HTMLInputElement> | undefined;
}

export function SearchField({ label, placeholder, value, onChange, className, ref }: SearchFieldProps) {
  const own = useRef<HTMLInputElement>(null);
  const clear = () => {
    onChange('');
    own.current?.focus();
  };
  return (
    <TextInput
      className={className}
      ref={useMergedRef(own, ref)}
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={16} />}
      rightSection={value ? <CloseButton size="sm" aria-label="Clear the search" onClick={clear} /> : null}
      maxLength={200}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
