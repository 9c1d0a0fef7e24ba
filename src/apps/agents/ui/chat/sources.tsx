/** Sources lists the passages an answer rests on, each opening its passage. */
import { UnstyledButton } from '@mantine/core';
import type { Citation } from '../agents-api.ts';
import classes from './chat.module.css';

interface SourcesProps {
  readonly citations: readonly Citation[];
  readonly onOpen: (citation: Citation) => void;
}

export function Sources({ citations, onOpen }: SourcesProps) {
  if (citations.length === 0) return null;
  return (
    <ul className={classes.sources} aria-label="Sources">
      {citations.map((citation) => (
        <li key={citation.number}>
          <UnstyledButton className={classes.source} onClick={() => onOpen(citation)}>
            <span className={classes.sourceNumber}>{citation.number}</span>
            <span className={classes.sourceTitle}>{citation.documentTitle}</span>
            {citation.page ? <span className={classes.sourcePage}>p. {citation.page}</span> : null}
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}
