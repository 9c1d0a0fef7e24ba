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
    summary: 'walk every audit trail and name those that were tampered with; --json for programs',
    load: () => import('./audit-verify.ts'),
  },
  config: {
    summary: 'print the effective settings and where each came from, secrets masked',
    load: () => import('./config.ts'),
  },
};
