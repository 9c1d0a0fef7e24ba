/** Who may do what with agents: members run them, viewers read. */

export const agentsPermissions = {
  'agents.agent.read': 'See agents',
  'agents.agent.write': 'Create, change and delete agents',
  'agents.document.read': 'See the knowledge of agents and open cited passages',
  'agents.document.write': 'Upload and delete knowledge',
  'agents.conversation.read': 'Read one’s own conversations',
  'agents.conversation.write': 'Talk to agents; rename and delete one’s own conversations',
} as const;

export type AgentsPermission = keyof typeof agentsPermissions;

const everything = Object.keys(agentsPermissions) as AgentsPermission[];
const reading = everything.filter((permission) => permission.endsWith('.read'));

export const agentsPolicy = { owner: everything, admin: everything, member: everything, viewer: reading } as const;
