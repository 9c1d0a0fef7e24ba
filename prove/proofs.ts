/** The long proofs: what each does, and its figures. */
import { runSchemaFuzz } from './fuzz/schema-fuzz.ts';
import { runTenantFuzz } from './fuzz/tenant-fuzz.ts';
import { runKillLoop, type KillLoopReport } from './kill-loop.ts';
import { runSlowClients } from './slow-clients.ts';

type Figures = readonly (readonly [name: string, value: string])[];

export interface Proof {
  readonly id: string;
  readonly title: string;
  /** What was done and what would have been a failure, in a sentence or two. */
  readonly claim: string;
  readonly run: (
    say: (line: string) => void,
  ) => Promise<{ readonly figures: Figures; readonly faults: readonly string[] }>;
}

const kills = 50;
const fuzzRequests = 100_000;
const slowSockets = 500;

function killFigures(report: KillLoopReport): [string, string][] {
  const attempts = Object.entries(report.attempts).map(([attempt, runs]) => `${runs} in attempt ${attempt}`);
  return [
    ['kills', `${report.kills}, of which ${report.databaseKills} hit the database's own processes`],
    ['messages accepted', `${report.accepted}; lost ${report.lost}, duplicated ${report.duplicated}`],
    ['runs', `${report.completed} complete, ${report.endedOtherwise} ended otherwise, ${report.unfinished} unfinished`],
    ['finished', attempts.join(', ')],
    [
      'events compared',
      `${report.eventsCompared} over ${report.reconnects} reconnects; wrong sequences ${report.wrongSequences}`,
    ],
    [
      'restart to listening',
      `median ${report.restartMilliseconds.median} ms, longest ${report.restartMilliseconds.max} ms`,
    ],
    ['duration', `${report.seconds} s`],
  ];
}

function killProof(database: 'embedded' | 'external'): Proof {
  return {
    id: `kill-loop-${database}`,
    title: `${kills} kills on the ${database} database`,
    claim:
      'Four clients send messages one after another and follow each answer while the server is killed with SIGKILL at random points' +
      (database === 'embedded' ? ', its database with it, or the database alone' : '') +
      '. Afterwards every accepted message is there once, every run has ended, every saved answer is what the model said, and each ' +
      'client received every journalled event once and in order, whatever it took to reconnect.',
    async run(say) {
      const report = await runKillLoop({ database, kills, say });
      return { figures: killFigures(report), faults: report.faults };
    },
  };
}

function byStatus(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
}

/** reasonsOf sums routes up by the part of the server that they belong to. */
function reasonsOf(ids: readonly string[]): string {
  const parts = Map.groupBy(ids, (id) => id.split('.')[0] ?? id);
  return [...parts].map(([part, of]) => `${part} ${of.length}`).join(', ');
}

const schemaFuzz: Proof = {
  id: 'schema-fuzz',
  title: `${fuzzRequests.toLocaleString('en')} requests made from the published document`,
  claim:
    'Requests are made from the OpenAPI document, right ones and ones with a place spoilt, as junk and by strangers. None may ' +
    'be answered by a server error, and each answer must be one that the document declares: status, content type and schema.',
  async run(say) {
    const report = await runSchemaFuzz({ requests: fuzzRequests, say });
    return {
      figures: [
        ['requests', `${report.requests} over ${report.operations} operations, seed ${report.seed}`],
        ['answers by status', byStatus(report.byStatus)],
        ['successes', `${report.accepted} of a hundred; never at ${report.neverAccepted.join(', ') || 'none'}`],
        ['server errors', String(report.serverErrors)],
        ['answers that are not declared', String(report.faults.length)],
        ['duration', `${report.seconds} s`],
      ],
      faults: report.faults,
    };
  },
};

const tenantFuzz: Proof = {
  id: 'tenant-fuzz',
  title: `${fuzzRequests.toLocaleString('en')} tries to reach another organisation`,
  claim:
    'Owner, viewer, API key, phone and directory of another organisation, somebody removed a moment ago with key and phone, and ' +
    'somebody without an account send requests with the ids of an organisation in path, query and body to every route and ' +
    'stream, and run SQL with every verb on every table with the role of requests. A leak is any id or text of ' +
    'the other organisation in an answer, any row reached, and any of its rows changed afterwards.',
  async run(say) {
    const report = await runTenantFuzz({ tries: fuzzRequests, say });
    return {
      figures: [
        ['tries', `${report.overHttp} over ${report.routes} routes, ${report.onTables} on ${report.tables} tables`],
        ['by stranger', byStatus(report.byStranger)],
        ['streams opened', String(report.streams)],
        ['searched for', `${report.secrets} ids and texts in every answer`],
        ['answers by status', byStatus(report.byStatus)],
        ['answers where the path pointed at the victim', byStatus(report.aimedByStatus)],
        ['statements by outcome', byStatus(report.onTablesByOutcome)],
        ['routes no stranger got into', `${report.neverReached.length}: ${reasonsOf(report.neverReached)}`],
        ['leaks', String(report.leaks.length)],
        ['duration', `${report.seconds} s`],
      ],
      faults: report.leaks,
    };
  },
};

const slowClients: Proof = {
  id: 'slow-clients',
  title: `${slowSockets} slow clients`,
  claim:
    'That many sockets trickle headers and bodies for ever, and come back when they are cut off, while a good client asks one ' +
    'thing after the other. Its p99 must stay below three times what it is while the server is quiet.',
  async run() {
    const report = await runSlowClients({ sockets: slowSockets, requests: 20_000 });
    const { quiet, loaded } = report;
    return {
      figures: [
        ['slow sockets', `${report.openLeast} to ${report.openMost} at once, ${report.cut} cut off`],
        ['good client while quiet', `p50 ${quiet.p50} ms, p99 ${quiet.p99} ms`],
        ['good client beside them', `p50 ${loaded.p50} ms, p99 ${loaded.p99} ms, ${report.ratio} times`],
      ],
      faults: [
        ...(report.ratio < 3 ? [] : [`p99 rose to ${report.ratio} times`]),
        ...(report.failed === 0 ? [] : [`${report.failed} requests of the good client failed`]),
      ],
    };
  },
};

export const proofs: readonly Proof[] = [
  killProof('embedded'),
  killProof('external'),
  schemaFuzz,
  tenantFuzz,
  slowClients,
];
