/** The pages of the agents application: the list, one agent's settings and knowledge, and the chat with it. */
import { IconRobot } from '@tabler/icons-react';
import type { AppPages } from '#web/app-pages.ts';

export const pages: AppPages = {
  id: 'agents',
  title: 'Agents',
  icon: IconRobot,
  navigation: [{ label: 'Agents', to: '/agents', icon: IconRobot }],
  routes: [
    { path: '/agents', load: () => import('./agents-page.tsx'), isPlain: true },
    { path: '/agents/new', load: () => import('./new-agent-page.tsx') },
    { path: '/agents/$agentId', load: () => import('./agent-settings-page.tsx') },
    { path: '/agents/$agentId/knowledge', load: () => import('./knowledge-page.tsx') },
    // One page with and without a conversation: sending the first message keeps the composer and its focus.
    { path: '/agents/$agentId/chat/{-$conversationId}', load: () => import('./chat/chat-page.tsx'), layout: 'full' },
  ],
  home: () => import('./home-part.tsx'),
  palette: async () => (await import('./palette-source.ts')).paletteSource,
  nameSubjects: async () => (await import('./subject-names.ts')).readSubjectNames(),
};
