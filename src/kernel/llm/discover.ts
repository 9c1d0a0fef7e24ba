/** An Ollama or llama.cpp on this machine is found without being asked for, and its absence costs 300 ms at most (K11.1). */
import type { OutboundClient } from '#kernel/outbound';
import type { LocalEndpoint } from './types.ts';

/** LocalAddress is where a program listens unless told otherwise. */
export interface LocalAddress {
  readonly program: LocalEndpoint['program'];
  readonly url: string;
}

export const wellKnownAddresses: readonly LocalAddress[] = [
  { program: 'ollama', url: 'http://127.0.0.1:11434' },
  { program: 'llama.cpp', url: 'http://127.0.0.1:8080' },
];

const probeMilliseconds = 300;
const maxResponseBytes = 1024 * 1024;

function readNames(program: LocalAddress['program'], answer: unknown): string[] | null {
  const { data, models } = (answer ?? {}) as {
    models?: { name?: unknown }[];
    data?: { id?: unknown; owned_by?: unknown }[];
  };
  if (program === 'ollama') {
    return Array.isArray(models) ? models.map(({ name }) => name).filter((name) => typeof name === 'string') : null;
  }
  if (!Array.isArray(data)) return null;
  return data.map(({ id }) => id).filter((id) => typeof id === 'string');
}

async function probe(outbound: OutboundClient, { program, url }: LocalAddress): Promise<LocalEndpoint | null> {
  try {
    const response = await outbound.fetch(`${url}${program === 'ollama' ? '/api/tags' : '/v1/models'}`, {
      purpose: 'model',
      maxResponseBytes,
      connectTimeoutMilliseconds: probeMilliseconds,
      totalTimeoutMilliseconds: probeMilliseconds,
    });
    if (response.status !== 200) {
      response.discard();
      return null;
    }
    const models = readNames(program, JSON.parse(await response.text()));
    return models && { program, baseUrl: `${url}/v1`, models };
  } catch {
    return null; // nobody there, something else there, or not allowed: all mean that there is nothing to offer
  }
}

/** discoverEndpoints probes all addresses at once; forbidden ones are as absent. */
export async function discoverEndpoints(
  outbound: OutboundClient,
  addresses: readonly LocalAddress[],
): Promise<readonly LocalEndpoint[]> {
  const found = await Promise.all(addresses.map((address) => probe(outbound, address)));
  return found.filter((endpoint) => endpoint !== null);
}
