/** The service worker shows what is pushed, whatever it is, and opens pages of this app alone. */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';

const source = readFileSync(new URL('../../web/public/sw.js', import.meta.url), 'utf8');
const origin = 'https://bulkhead.example.com';

interface Shown {
  readonly title: string;
  readonly options: { readonly body?: string; readonly tag: string; readonly data: { readonly link: string } };
}

interface FakeWindow {
  focus(): Promise<void>;
  navigate(address: string): Promise<void>;
}

/** Runs the script with a browser's services for it, and gives what it did. */
function startWorker(windows: readonly FakeWindow[] = []) {
  const handlers = new Map<string, (event: object) => void>();
  const shown: Shown[] = [];
  const opened: string[] = [];
  const self = {
    location: { origin },
    addEventListener: (name: string, handler: (event: object) => void) => handlers.set(name, handler),
    registration: {
      showNotification: async (title: string, options: Shown['options']) => void shown.push({ title, options }),
    },
    clients: { matchAll: async () => windows, openWindow: async (address: string) => void opened.push(address) },
  };
  runInNewContext(source, { self, URL });
  async function dispatch(name: string, event: object): Promise<void> {
    let work: unknown;
    handlers.get(name)?.({ ...event, waitUntil: (promise: unknown) => (work = promise) });
    await work;
  }
  return {
    shown,
    opened,
    push: (data: object | null) => dispatch('push', { data }),
    click: (link: unknown) =>
      dispatch('notificationclick', { notification: { close: () => undefined, data: { link } } }),
  };
}

const asJson = (value: unknown): object => ({ json: () => value });

test('[K17.3] a message is shown with its title, its tag and, where there is one, its text', async () => {
  const worker = startWorker();
  await worker.push(asJson({ title: 'Budget reached', link: '/settings/usage', tag: 'a' }));
  await worker.push(asJson({ title: 'Budget reached', text: '80 % of $50', link: '/settings/usage', tag: 'b' }));
  expect(worker.shown.map(({ title, options }) => [title, options.tag, options.body, options.data.link])).toEqual([
    ['Budget reached', 'a', undefined, '/settings/usage'],
    ['Budget reached', 'b', '80 % of $50', '/settings/usage'],
  ]);
});

test.each([
  ['nothing at all', null],
  ['no JSON', { json: () => JSON.parse('{') as unknown }],
  ['no title', asJson({ text: 'x' })],
  ['null', asJson(null)],
])('[K17.3] a message with %s still shows that there is something', async (_name, data) => {
  const worker = startWorker();
  await worker.push(data);
  expect(worker.shown).toMatchObject([
    { title: 'There is something new', options: { data: { link: '/notifications' } } },
  ]);
});

test.each([
  ['/agents/1', `${origin}/agents/1`],
  [undefined, `${origin}/notifications`],
  ['https://evil.example.com/x', origin],
  ['//evil.example.com/x', origin],
  ['javascript:alert(1)', origin],
])('[K17.3] a click on a notification for %s opens %s', async (link, address) => {
  const worker = startWorker();
  await worker.click(link);
  expect(worker.opened).toEqual([address]);
});

test('[K17.3] a window that is open already is used', async () => {
  const visited: string[] = [];
  const window = { focus: async () => undefined, navigate: async (address: string) => void visited.push(address) };
  const worker = startWorker([window]);
  await worker.click('/agents/1');
  expect([visited, worker.opened]).toEqual([[`${origin}/agents/1`], []]);
});
