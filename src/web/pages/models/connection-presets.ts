/** What is known about common providers, so that a connection needs a choice and a key rather than documentation. */

export interface ConnectionPreset {
  readonly id: string;
  readonly label: string;
  readonly kind: 'openai-compatible' | 'anthropic' | 'google' | 'mistral';
  readonly baseUrl: string;
  /** Where one gets a key; absent for programs on one's own machine, which need none. */
  readonly keyPage?: string;
  readonly hint: string;
}

export const connectionPresets: readonly ConnectionPreset[] = [
  {
    id: 'openai',
    label: 'OpenAI',
    kind: 'openai-compatible',
    baseUrl: 'https://api.openai.com/v1',
    keyPage: 'platform.openai.com',
    hint: 'Hosted by OpenAI.',
  },
  {
    id: 'anthropic',
    label: 'Anthropic',
    kind: 'anthropic',
    baseUrl: '',
    keyPage: 'console.anthropic.com',
    hint: 'Hosted by Anthropic.',
  },
  {
    id: 'google',
    label: 'Google',
    kind: 'google',
    baseUrl: '',
    keyPage: 'aistudio.google.com',
    hint: 'Hosted by Google.',
  },
  {
    id: 'mistral',
    label: 'Mistral',
    kind: 'mistral',
    baseUrl: '',
    keyPage: 'console.mistral.ai',
    hint: 'Hosted by Mistral.',
  },
  {
    id: 'novita',
    label: 'Novita',
    kind: 'openai-compatible',
    baseUrl: 'https://api.novita.ai/openai/v1',
    keyPage: 'novita.ai',
    hint: 'Open models, hosted by Novita.',
  },
  {
    id: 'ollama',
    label: 'Ollama',
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:11434/v1',
    hint: 'Runs on your own machine; no key.',
  },
  {
    id: 'llama.cpp',
    label: 'llama.cpp',
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:8080/v1',
    hint: 'Runs on your own machine; a key only if you set one.',
  },
  {
    id: 'vllm',
    label: 'vLLM',
    kind: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:8000/v1',
    hint: 'Runs on your own machine; a key only if you set one.',
  },
  {
    id: 'other',
    label: 'Other (OpenAI-compatible)',
    kind: 'openai-compatible',
    baseUrl: '',
    hint: 'Any endpoint that answers the OpenAI Chat Completions API.',
  },
];

/** findPreset recognises a saved connection: by its address, or by its kind where the address is the provider's own. */
export function findPreset(kind: string, baseUrl: string | null): ConnectionPreset | undefined {
  return connectionPresets.find(
    (preset) => preset.kind === kind && (kind === 'openai-compatible' ? preset.baseUrl === baseUrl : true),
  );
}

/** needsKey is true for providers that refuse calls without one. */
export function needsKey(preset: ConnectionPreset): boolean {
  return preset.keyPage !== undefined;
}
