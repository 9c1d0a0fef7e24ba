/** Who may do what with models: owners and admins connect them, members see what there is to choose from and what it costs. */

export const permissions = {
  'models.connection.read': 'See model connections and which models they offer',
  'models.connection.write': 'Connect, test, change and delete model endpoints',
  'models.price.read': 'See the prices of models',
  'models.price.write': 'State the prices of models',
  'models.call.read': 'See every call made to models, and its cost',
} as const;

export type ModelPermission = keyof typeof permissions;

const everything = Object.keys(permissions) as ModelPermission[];
const choosing = ['models.connection.read', 'models.price.read'] as const;

export const policy = { owner: everything, admin: everything, member: choosing, viewer: choosing } as const;
