/** CitationChip is the number in an answer that opens the passage it rests on. */
import { Tooltip } from '@mantine/core';
import classes from './ui.module.css';

/** CitationRef is what a chip needs to know; an app's citations have at least this. */
export interface CitationRef {
  readonly number: number;
  readonly documentTitle: string;
  readonly page?: number | null;
}

interface CitationChipProps {
  readonly citation: CitationRef;
  readonly onOpen: (number: number) => void;
}

/** CitationChip shows the number, names its source on hover and focus, and opens it. */
export function CitationChip({ citation, onOpen }: CitationChipProps) {
  const source = citation.page ? `${citation.documentTitle}, page ${citation.page}` : citation.documentTitle;
  return (
    <Tooltip label={source} events={{ hover: true, focus: true, touch: false }} maw={320} multiline>
      <button
        type="button"
        className={classes.citation}
        aria-label={`Source ${citation.number}: ${source}`}
        onClick={() => onOpen(citation.number)}
      >
        {citation.number}
      </button>
    </Tooltip>
  );
}
