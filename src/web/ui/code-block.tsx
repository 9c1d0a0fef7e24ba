/** CodeBlock shows a code block with its language and a copy button; long lines scroll inside it. */
import { Button } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { isValidElement, useRef, useState, type ReactNode } from 'react';
import { copyText } from './copy-text.ts';
import classes from './markdown.module.css';

export function CodeBlock({ children }: { readonly children: ReactNode }) {
  const pre = useRef<HTMLPreElement>(null);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await copyText(pre.current?.textContent ?? ''));
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className={classes.code}>
      <div className={classes.codeBar}>
        <span>{languageOf(children) || 'code'}</span>
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={isCopied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          onClick={() => void copy()}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
      </div>
      <pre ref={pre} tabIndex={0}>
        {children}
      </pre>
    </div>
  );
}

function languageOf(children: ReactNode): string {
  if (!isValidElement<{ className?: string }>(children)) return '';
  return /language-([\w+#-]+)/.exec(children.props.className ?? '')?.[1] ?? '';
}
