/** useWhenSeen calls back each time an element comes into view: the end of a list that asks for more. */
import { useEffect, useRef } from 'react';

/** useWhenSeen returns the ref of the element; nothing is called while `isActive` is false. */
export function useWhenSeen<E extends Element>(isActive: boolean, onSeen: () => void) {
  const element = useRef<E>(null);
  const latest = useRef(onSeen);
  useEffect(() => {
    latest.current = onSeen;
  });
  useEffect(() => {
    if (!isActive || !element.current) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) latest.current();
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isActive]);
  return element;
}
