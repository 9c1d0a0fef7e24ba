/** OrganisationMark is the square that stands for an organisation: its picture, else its first letter; the name stands beside it. */
import { useState } from 'react';
import classes from './organisation-switcher.module.css';

interface OrganisationMarkProps {
  readonly name: string;
  readonly pictureUrl?: string | null;
  readonly isLarge?: boolean;
}

export function OrganisationMark({ name, pictureUrl = null, isLarge }: OrganisationMarkProps) {
  const [failedUrl, setFailedUrl] = useState<string | null>(null);
  if (pictureUrl !== null && pictureUrl !== failedUrl) {
    return (
      <span className={classes.mark} data-large={isLarge || undefined} aria-hidden>
        <img src={pictureUrl} alt="" decoding="async" onError={() => setFailedUrl(pictureUrl)} />
      </span>
    );
  }
  // A letter drawn by the style sheet, so that it is no part of a button's name.
  const letter = [...name.trim()][0]?.toUpperCase() ?? '';
  return <span className={classes.mark} data-large={isLarge || undefined} data-letter={letter} aria-hidden />;
}
