/** A scrolling box that follows its growing content while the reader is at its end, and never pulls a reader who is not. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

const nearEndPixels = 24;

/**
 * useStickToEnd goes on a scrolling box and the content inside it. `firstKey` names the first item: when it changes,
 * items were put before it, and what the reader looks at stays where it is.
 */
export function useStickToEnd(firstKey: string | undefined) {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const last = useRef({ top: 0, height: 0, firstKey });
  const [isAtEnd, setAtEnd] = useState(true);

  const goToEnd = useCallback(() => {
    sticks.current = true;
    setAtEnd(true);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, []);

  const onScroll = useCallback(() => {
    if (!box.current) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const isNear = scrollHeight - scrollTop - clientHeight < nearEndPixels;
    const wentUp = scrollTop < last.current.top;
    last.current.top = scrollTop;
    sticks.current = isNear || (sticks.current && !wentUp);
    setAtEnd(sticks.current);
  }, []);

  useLayoutEffect(() => {
    if (!box.current) return;
    const { scrollHeight } = box.current;
    const grew = scrollHeight - last.current.height;
    const isPrepended = last.current.firstKey !== undefined && last.current.firstKey !== firstKey;
    if (sticks.current) box.current.scrollTop = scrollHeight;
    else if (isPrepended && grew > 0) box.current.scrollTop += grew;
    last.current = { top: box.current.scrollTop, height: scrollHeight, firstKey };
  });

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (!box.current) return;
      last.current.height = box.current.scrollHeight;
      if (sticks.current) box.current.scrollTop = box.current.scrollHeight;
    });
    if (box.current) observer.observe(box.current);
    if (content.current) observer.observe(content.current);
    return () => observer.disconnect();
  }, []);

  return { box, content, onScroll, isAtEnd, goToEnd };
}
