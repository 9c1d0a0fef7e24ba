/** The shape of feature flags: declared in the code, switched by the operator, asked for an organisation. */
import type { Client } from '@openfeature/server-sdk';

/** FlagDeclaration is a flag as its module declares it. */
export interface FlagDeclaration {
  /** Dotted, `app.agents`. */
  readonly name: string;
  readonly title: string;
  /** What is different when it is on, in a sentence. */
  readonly description: string;
  /** Whether it is on where the operator has said nothing. */
  readonly default: boolean;
}

export interface FlagService {
  /** What is declared. */
  readonly declared: readonly FlagDeclaration[];
  /** Whether a flag is on for an organisation; from memory, never slower than a map look-up. Throws for an undeclared name. */
  isOn(name: string, tenantId: string): boolean;
  /** The OpenFeature client over the same flags; the targeting key is the organisation's id. */
  readonly client: Client;
  /** Reads the flags anew; whoever changes them waits for it, so that the answer already acts by them. */
  reread(): Promise<void>;
  close(): Promise<void>;
}
