/** LinkedText shows plain text with its web addresses as links; everything else stays the letters it is. */
import { Fragment } from 'react';
import classes from './outbox.module.css';

const address = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

interface Part {
  /** Where it begins. */
  readonly at: number;
  readonly text: string;
  readonly isLink: boolean;
}

/** splitLinks cuts a text into addresses and what stands between them; joined again, they are the text. */
function splitLinks(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(address)) {
    parts.push({ at, text: text.slice(at, match.index), isLink: false });
    parts.push({ at: match.index, text: match[0], isLink: true });
    at = match.index + match[0].length;
  }
  return [...parts, { at, text: text.slice(at), isLink: false }].filter((part) => part.text !== '');
}

export function LinkedText({ text }: { readonly text: string }) {
  return (
    // Long texts scroll, and what scrolls must be reachable by keyboard.
    <div className={classes.text} role="region" aria-label="Text of the message" tabIndex={0}>
      {splitLinks(text).map((part) =>
        part.isLink ? (
          <a key={part.at} href={part.text} target="_blank" rel="noreferrer noopener">
            {part.text}
          </a>
        ) : (
          <Fragment key={part.at}>{part.text}</Fragment>
        ),
      )}
    </div>
  );
}
