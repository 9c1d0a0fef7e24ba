/**
 * Runs the long proofs in full and keeps their figures, with date and commit, in docs/reference/proofs.md.
 *
 *   npm run prove                 all of them
 *   npm run prove -- --only kill-loop-embedded
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runKillLoop, type KillLoopReport } from './kill-loop.ts';

interface Proof {
  readonly id: string;
  readonly title: string;
  /** What was done and what would have been a failure, in a sentence or two. */
  readonly claim: string;
  readonly run: (
    say: (line: string) => void,
  ) => Promise<{ readonly figures: readonly (readonly [string, string])[]; readonly faults: readonly string[] }>;
}

const kills = 50;
const pageFile = fileURLToPath(new URL('../docs/reference/proofs.md', import.meta.url));

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

const proofs: readonly Proof[] = [killProof('embedded'), killProof('external')];

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
}

function section(proof: Proof, figures: readonly (readonly [string, string])[], faults: readonly string[]): string {
  const date = new Date().toISOString().slice(0, 10);
  const rows = figures.map(([name, value]) => `| ${name} | ${value} |`).join('\n');
  const verdict = faults.length === 0 ? 'No fault.' : `**${faults.length} faults**, first: ${faults[0]}`;
  return [
    `## ${proof.title}`,
    proof.claim,
    `${date}, commit ${commit()}, ${cpus().length} cores, Node ${process.versions.node}. ${verdict}`,
    `| figure | value |\n| --- | --- |\n${rows}`,
  ].join('\n\n');
}

const heading =
  '# Proofs\n\nFigures of the long proofs, written by `npm run prove`. Their short forms run with every `npm test`.\n';

/** Replaces one proof's section and leaves the others as their last run wrote them. */
function keep(proof: Proof, text: string): void {
  const page = existsSync(pageFile) ? readFileSync(pageFile, 'utf8') : heading;
  const sections = page
    .split(/^(?=## )/m)
    .slice(1)
    .map((part) => part.trim());
  const index = sections.findIndex((part) => part.startsWith(`## ${proof.title}\n`));
  if (index < 0) sections.push(text);
  else sections[index] = text;
  writeFileSync(pageFile, `${heading}\n${sections.join('\n\n')}\n`);
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const chosen = proofs.filter((proof) => values.only === undefined || proof.id === values.only);
if (chosen.length === 0) {
  console.error(`No proof is called ${values.only}. There are: ${proofs.map((proof) => proof.id).join(', ')}`);
  process.exit(2);
}
let failed = 0;
for (const proof of chosen) {
  console.log(`== ${proof.title}`);
  const { figures, faults } = await proof.run((line) => console.log(line));
  for (const [name, value] of figures) console.log(`${name}: ${value}`);
  for (const fault of faults) console.error(`FAULT ${fault}`);
  keep(proof, section(proof, figures, faults));
  failed += faults.length === 0 ? 0 : 1;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
