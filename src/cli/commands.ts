/** The commands of the command line; each is loaded only when it is called, so that the others need nothing of it. */

/** CommandModule runs a command with the arguments after its name and resolves to the exit code. */
export interface CommandModule {
  run(args: readonly string[]): Promise<number>;
}

export interface Command {
  readonly summary: string;
  load(): Promise<CommandModule>;
}

export const commands: Readonly<Record<string, Command>> = {
  'audit verify': {
    summary:
      'walk every audit trail and name those that were tampered with; --json for programs, --heads <file> compares with their ends kept elsewhere, and keeps those of now',
    load: () => import('./audit-verify.ts'),
  },
  'keys list': {
    summary: 'list master keys: id, age, and what each still protects; --json for programs',
    load: async () => (await import('./keys-commands.ts')).list,
  },
  'keys rotate': {
    summary:
      'replace the master key while servers go on, with --data-keys also what it wraps; repeat it after an interruption; --batch <n>',
    load: async () => (await import('./keys-commands.ts')).rotate,
  },
  'keys forget': {
    summary: 'drop a replaced master key <id> that only old backups need',
    load: async () => (await import('./keys-commands.ts')).forget,
  },
  backup: {
    summary: 'back up the database while the server goes on, and verify it; [file] instead of the backups folder',
    load: async () => (await import('./backup-commands.ts')).backup,
  },
  verify: {
    summary: 'check a backup <file> by restoring it into a scratch database',
    load: async () => (await import('./backup-commands.ts')).verify,
  },
  restore: {
    summary: 'put a backup <file> back while no server runs; --replace when the database holds data',
    load: async () => (await import('./backup-commands.ts')).restore,
  },
  config: {
    summary: 'print the effective settings and where each came from, secrets masked',
    load: () => import('./config.ts'),
  },
};
