/** PasswordField is where a password is typed: it can be shown, pasted, and says when Caps Lock is on. */
import { PasswordInput, Text, type PasswordInputProps } from '@mantine/core';
import { useState, type KeyboardEvent } from 'react';

/** PasswordField takes what a PasswordInput takes. */
export function PasswordField(props: PasswordInputProps) {
  const [isCapsLock, setCapsLock] = useState(false);
  // Only a key pressed in the field tells; autofill sends events without a key.
  const look = (event: KeyboardEvent) => setCapsLock(event.nativeEvent.getModifierState?.('CapsLock') ?? false);
  return (
    <div>
      <PasswordInput {...props} onKeyDown={look} onKeyUp={look} onBlur={() => setCapsLock(false)} />
      <Text size="xs" role="status" mt={isCapsLock ? 4 : 0}>
        {isCapsLock ? 'Caps Lock is on.' : ''}
      </Text>
    </div>
  );
}
