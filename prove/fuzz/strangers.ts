/** Those who try to reach what belongs to another organisation, each with what they have to show. */
import { createClient, type TestClient } from '#testing/client';
import { strongPassword, type Tenant, type TestServer } from '#testing/server';
import { createSamples, type Samples } from '../../src/testing/generated/sample-resources.ts';
import { addMember, createTeam, type Team } from '../../src/testing/team-fixture.ts';
import { areWell, createCallers, type Callers } from './callers.ts';
import type { Operation } from './operations.ts';
import { Renewal } from './renewal.ts';
import type { Sender } from './send.ts';

/** Organisation is a team with one of everything, whose owner works in it. */
export interface Organisation {
  readonly owner: Tenant;
  readonly team: Team;
  readonly samples: Samples;
}

/** createOrganisation makes a team of `person`'s and one of everything in it. */
export async function createOrganisation(server: TestServer, person: Tenant): Promise<Organisation> {
  const team = await createTeam(person);
  const principal = { ...person.principal, tenantId: team.id };
  const owner = { client: person.client, principal };
  return { owner, team, samples: await createSamples(server, owner) };
}

export const strangerKinds = [
  'nobody',
  'owner',
  'viewer',
  'key',
  'phone',
  'directory',
  'removed',
  'removed key',
  'removed phone',
] as const;
export type StrangerKind = (typeof strangerKinds)[number];

/** strangerFor says who tries, `turn` being 0 to 99; to what directories do, mostly another organisation's directory. */
export function strangerFor({ isForDirectories }: Operation, turn: number): StrangerKind {
  if (isForDirectories && turn < 60) return 'directory';
  const bounds: readonly (readonly [below: number, kind: StrangerKind])[] = [
    // Those who are turned away at the door have the least to find.
    [4, 'nobody'],
    [46, 'owner'],
    [56, 'viewer'],
    [68, 'key'],
    [74, 'phone'],
    [76, 'directory'],
    [92, 'removed'],
    [96, 'removed key'],
  ];
  return bounds.find(([below]) => turn < below)?.[1] ?? 'removed phone';
}

/** Removed belonged to the victim's organisation until a moment ago, with a key and a phone that worked in it. */
export interface Removed {
  readonly client: TestClient;
  readonly callers: Callers;
  readonly password: string;
  /** What they saw of themself while they belonged to it: no secret from them. */
  readonly knows: string;
}

/** removeSomebody lets a person join, work from everywhere, and go. */
export async function removeSomebody(server: TestServer, { team, samples }: Organisation): Promise<Removed> {
  const { client, principal } = await addMember(server, team, 'member');
  const callers = await createCallers(server, { client }, samples, strongPassword);
  const seen = await Promise.all(
    ['GET /session', 'GET /sessions', 'GET /api-keys', 'GET /notifications'].map((route) => client.expect(200, route)),
  );
  await team.owner.expect(204, `DELETE /members/${principal.userId}`);
  return { client, callers, password: strongPassword, knows: seen.map(({ text }) => text).join('\n') };
}

/** Strangers are all of them; those of the other organisation are replaced whenever the tries have cost them what they had. */
export class Strangers {
  readonly #server: TestServer;
  readonly #removed: Removed;
  readonly #nobody: Sender;
  #organisation: Organisation;
  #callers: Callers;
  #viewer: Sender;
  readonly #renewal = new Renewal(() => this.#renew());

  private constructor(server: TestServer, removed: Removed, made: Made) {
    this.#server = server;
    this.#removed = removed;
    this.#nobody = createClient(server.url);
    this.#organisation = made.organisation;
    this.#callers = made.callers;
    this.#viewer = made.viewer;
  }

  static async create(server: TestServer, removed: Removed): Promise<Strangers> {
    return new Strangers(server, removed, await make(server));
  }

  get own(): Samples {
    return this.#organisation.samples;
  }

  get principal(): Tenant['principal'] {
    return this.#organisation.owner.principal;
  }

  senderOf(kind: StrangerKind): Sender {
    const { browser, directory, key, phone } = this.#callers;
    const { callers } = this.#removed;
    const senders: Readonly<Record<StrangerKind, Sender>> = {
      nobody: this.#nobody,
      owner: browser,
      viewer: this.#viewer,
      key,
      phone,
      directory,
      removed: callers.browser,
      'removed key': callers.key,
      'removed phone': callers.phone,
    };
    return senders[kind];
  }

  /** renewLost signs in or makes anew whoever does not count any more. */
  renewLost(): Promise<void> {
    return this.#renewal.run();
  }

  async #renew(): Promise<void> {
    const { callers, client, password } = this.#removed;
    const session = await client.ask('GET /session');
    if (session.status !== 200) {
      const body = { identifier: callers.identifier, password };
      await client.expect(200, 'POST /auth/sign-in', { body });
    }
    const viewer = await this.#viewer.sendRaw('GET /session', {}, null);
    await viewer.body?.cancel();
    if (viewer.status === 200 && (await areWell(this.#callers))) return;
    const made = await make(this.#server);
    this.#organisation = made.organisation;
    this.#callers = made.callers;
    this.#viewer = made.viewer;
  }
}

interface Made {
  readonly organisation: Organisation;
  readonly callers: Callers;
  readonly viewer: Sender;
}

async function make(server: TestServer): Promise<Made> {
  const organisation = await createOrganisation(server, await server.secondTenant());
  const { client } = await addMember(server, organisation.team, 'viewer');
  const callers = await createCallers(server, organisation.owner, organisation.samples, strongPassword);
  return { organisation, callers, viewer: client };
}
