/** What the command palette does with agents: make one, talk to one, find it or a conversation by their words. */
import { IconMessage, IconMessagePlus, IconPlus, IconRobot } from '@tabler/icons-react';
import type { PaletteEntry, PaletteGroup, PaletteSource } from '#web/app-pages.ts';
import { formatAgo } from '#web/ui/index.ts';
import { agentsApi, pathsOf, type AgentSummary, type Conversation } from './agents-api.ts';

/** More agents than one would page through by eye: who has more of them finds the older ones in their list. */
const searchedAgents = 200;
const shownOfEach = 5;

export const paletteSource: PaletteSource = {
  actions: (permissions) =>
    permissions.includes('agents.agent.write')
      ? [{ id: 'agents.new', label: 'New agent', icon: IconPlus, keywords: 'create add', to: '/agents/new' }]
      : [],
  find: async (query, { signal, permissions }) => {
    const mayChat = permissions.includes('agents.conversation.write');
    const [agents, conversations] = await Promise.all([
      agentsApi('GET /agents', { query: { limit: query === '' ? shownOfEach : searchedAgents }, signal }),
      agentsApi('GET /conversations', { query: { limit: shownOfEach, ...(query ? { search: query } : {}) }, signal }),
    ]);
    const fitting = agents.items.filter((agent) => fits(agent, query)).slice(0, shownOfEach);
    return [
      { title: 'Conversations', entries: conversations.items.map(entryOfConversation) },
      {
        title: 'Agents',
        entries: fitting.flatMap((agent) => entriesOfAgent(agent, { mayChat, isSearched: query !== '' })),
      },
    ] satisfies PaletteGroup[];
  },
};

/** fits also takes the words of the action, so that "new conversation with Mia" finds Mia. */
function fits({ name, description }: AgentSummary, query: string): boolean {
  const text = `new conversation chat with ${name} ${description}`.toLowerCase();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => text.includes(word));
}

interface Offer {
  readonly mayChat: boolean;
  readonly isSearched: boolean;
}

function entriesOfAgent({ id, name, description }: AgentSummary, { mayChat, isSearched }: Offer): PaletteEntry[] {
  const paths = pathsOf(id);
  const chat = {
    id: `agents.chat.${id}`,
    label: `New conversation with ${name}`,
    ...(description ? { description } : {}),
    icon: IconMessagePlus,
    to: paths.chat(),
  };
  const settings = {
    id: `agents.settings.${id}`,
    label: name,
    description: 'Agent: settings and knowledge',
    icon: IconRobot,
    to: paths.settings,
  };
  return [...(mayChat ? [chat] : []), ...(isSearched ? [settings] : [])];
}

function entryOfConversation({ id, agentId, agentName, title, updatedAt }: Conversation): PaletteEntry {
  return {
    id: `agents.conversation.${id}`,
    label: title || 'New chat',
    description: `With ${agentName}, ${formatAgo(updatedAt)}`,
    icon: IconMessage,
    to: pathsOf(agentId).chat(id),
  };
}
