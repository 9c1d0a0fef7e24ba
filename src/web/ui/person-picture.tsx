/** PersonPicture shows somebody's picture, or the first letters of their name where there is none or it cannot be loaded. */
import { useState } from 'react';
import classes from './person-picture.module.css';

interface PersonPictureProps {
  readonly name: string;
  readonly pictureUrl: string | null;
  /** Size on the screen in CSS pixels: 30 in menus and lists, 96 on a page of one person. */
  readonly size?: 30 | 96;
}

/** PersonPicture is decoration: the name stands beside it, and screen readers hear only that. */
export function PersonPicture({ name, pictureUrl, size = 30 }: PersonPictureProps) {
  const [failedUrl, setFailedUrl] = useState<string | null>(null);
  const isShown = pictureUrl !== null && pictureUrl !== failedUrl;
  return (
    // Letters drawn by the style sheet, so that they are no part of a button's name.
    <span className={classes.picture} data-size={size} data-initials={isShown ? undefined : initials(name)} aria-hidden>
      {isShown ? (
        <img
          src={size > 30 ? `${pictureUrl}&size=320` : pictureUrl}
          alt=""
          width={size}
          height={size}
          decoding="async"
          onError={() => setFailedUrl(pictureUrl)}
        />
      ) : null}
    </span>
  );
}

/** initials are the first letters of the first and the last word. */
function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '');
  return letters.join('').toUpperCase();
}
