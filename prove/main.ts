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
import { proofs, type Proof } from './proofs.ts';

const pageFile = fileURLToPath(new URL('../docs/reference/proofs.md', import.meta.url));

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
