/** useWhenSeen calls back each time an element is nearly in view: the end of a list that asks for more. */
import { useEffect, useRef } from 'react';

/** Early enough that more is there before the reader is. */
const margin = '400px 0px';

/**
 * useWhenSeen returns the ref of the element, which scrolls in the nearest `data-scroll-box` or in the window; nothing is
 * called while `isActive` is false.
 */
export function useWhenSeen<E extends Element>(isActive: boolean, onSeen: () => void) {
  const element = useRef<E>(null);
  const latest = useRef(onSeen);
  useEffect(() => {
    latest.current = onSeen;
  });
  useEffect(() => {
    if (!isActive || !element.current) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) latest.current();
      },
      { root: element.current.closest('[data-scroll-box]'), rootMargin: margin },
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isActive]);
  return element;
}
