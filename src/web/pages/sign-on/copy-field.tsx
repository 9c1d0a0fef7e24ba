/** CopyField shows an address that has to be entered elsewhere, letter by letter, with a button that copies it. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { copyText } from '../../ui/copy-text.ts';
import classes from './sign-on.module.css';

export function CopyField({ label, value }: { readonly label: string; readonly value: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <div className={classes.copyRow}>
      <span className={classes.copyLabel}>{label}</span>
      <span className={classes.copyValue}>{value}</span>
      <Button
        size="xs"
        variant="default"
        aria-label={`Copy: ${label}`}
        onClick={() => void copyText(value).then(setCopied)}
      >
        {isCopied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}
