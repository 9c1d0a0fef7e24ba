/** While the server does not answer, this says why and tries again by itself; once it answers, what had failed is asked anew. */
import { Button, Text } from '@mantine/core';
import { IconPlugConnectedX, IconRefresh, IconWifiOff } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { probe, useConnection, type Connection } from '../connection.ts';
import classes from './connection-banner.module.css';

const words: Readonly<Record<Exclude<Connection, 'fine'>, string>> = {
  offline: 'You are offline. What is on this page stays; it goes on once you are connected.',
  unreachable: 'The server cannot be reached. What is on this page stays; it is tried again and again.',
  starting: 'The server is starting or very busy. What is on this page stays; it goes on in a moment.',
};

const firstWaitMilliseconds = 2_000;
const longestWaitMilliseconds = 20_000;

/** ConnectionBanner lies over the bottom of the page, so that nothing moves when it comes and goes. */
export function ConnectionBanner() {
  const connection = useConnection();
  const isAway = connection !== 'fine';
  const { tryNow, isTrying } = useRepeatedProbe(isAway);
  useHealing(isAway);
  return (
    <div role="status" className={classes.place}>
      {isAway ? (
        <div className={classes.banner}>
          {connection === 'offline' ? <IconWifiOff size={20} /> : <IconPlugConnectedX size={20} />}
          <Text size="sm">{words[connection]}</Text>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={16} />}
            loading={isTrying}
            onClick={() => void tryNow()}
          >
            Try now
          </Button>
        </div>
      ) : null}
    </div>
  );
}

/** useRepeatedProbe asks at growing intervals, at once when the network or the person comes back. */
function useRepeatedProbe(isAway: boolean) {
  const [isTrying, setTrying] = useState(false);
  const tryNow = async () => {
    setTrying(true);
    await probe();
    setTrying(false);
  };
  useEffect(() => {
    const notice = () => void probe();
    addEventListener('offline', notice);
    return () => removeEventListener('offline', notice);
  }, []);
  useEffect(() => {
    if (!isAway) return undefined;
    let wait = firstWaitMilliseconds;
    let timer: ReturnType<typeof setTimeout>;
    const again = () => {
      timer = setTimeout(() => void probe().then(again), wait);
      wait = Math.min(wait * 2, longestWaitMilliseconds);
    };
    again();
    const notice = () => void probe();
    addEventListener('online', notice);
    addEventListener('focus', notice);
    return () => {
      clearTimeout(timer);
      wait = Infinity;
      removeEventListener('online', notice);
      removeEventListener('focus', notice);
    };
  }, [isAway]);
  return { tryNow, isTrying };
}

/** useHealing asks anew for what had failed meanwhile. */
function useHealing(isAway: boolean): void {
  const queryClient = useQueryClient();
  const wasAway = useRef(false);
  useEffect(() => {
    if (wasAway.current && !isAway) {
      void queryClient.refetchQueries({ predicate: ({ state }) => state.status === 'error' });
    }
    wasAway.current = isAway;
  }, [isAway, queryClient]);
}
