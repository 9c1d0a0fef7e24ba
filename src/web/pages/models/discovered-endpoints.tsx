/** DiscoveredEndpoints offers what already runs on the server's machine, connected by one click (K11.1). */
import { Button, Text } from '@mantine/core';
import { IconSparkles } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queryOf, useCall } from '../../api-hooks.ts';
import { FormProblem } from '../../ui/states.tsx';
import { modelsApi, type Connection, type Endpoint } from './models-api.ts';
import classes from './models.module.css';

interface DiscoveredEndpointsProps {
  readonly connections: readonly Connection[];
  readonly onConnected: () => void;
}

const programNames: Record<Endpoint['program'], string> = { ollama: 'Ollama', 'llama.cpp': 'llama.cpp' };

/** DiscoveredEndpoints shows nothing when nothing new was found. A failed search is not worth a message: it is a courtesy. */
export function DiscoveredEndpoints({ connections, onConnected }: DiscoveredEndpointsProps) {
  const discovery = useQuery({ ...queryOf(modelsApi, 'GET /model-discovery'), staleTime: 60_000, retry: false });
  const connect = useCall(modelsApi, 'POST /model-connections', { onSuccess: onConnected });
  const known = new Set(connections.map((connection) => connection.baseUrl));
  const found = discovery.data?.endpoints.filter((endpoint) => !known.has(endpoint.baseUrl)) ?? [];
  return found.map(({ program, baseUrl, models }) => (
    <div key={baseUrl} className={classes.found}>
      <IconSparkles size={22} stroke={1.5} aria-hidden />
      <div className={classes.foundText}>
        <Text size="sm" fw={550}>
          {programNames[program]} runs on this machine
        </Text>
        <Text size="sm">
          {models.length === 0
            ? 'It has no models yet.'
            : `It offers ${models.slice(0, 3).join(', ')}${models.length > 3 ? ` and ${models.length - 3} more` : ''}.`}
        </Text>
        <FormProblem error={connect.error} />
      </div>
      <Button
        size="xs"
        loading={connect.isPending}
        onClick={() =>
          connect.mutate({
            body: { name: programNames[program], kind: 'openai-compatible', baseUrl, defaultModel: models[0] ?? null },
          })
        }
      >
        Connect
      </Button>
    </div>
  ));
}
