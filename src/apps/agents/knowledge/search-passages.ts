/** The search finds the passages of one agent that bear on a question, and finds nothing rather than something unrelated. */
import type { Tx } from '#kernel/db';
import { correctWords, isCorrectable, type Candidate } from './correct-words.ts';
import { toPrefix, toTerms } from './fold-text.ts';

/** FoundPassage is a passage with why it was found. `score` orders passages of one search; `matchedShare` is 0 to 1. */
export interface FoundPassage {
  readonly id: string;
  readonly documentId: string;
  readonly documentTitle: string;
  readonly headings: readonly string[];
  readonly page: number | null;
  readonly text: string;
  readonly score: number;
  readonly matchedShare: number;
}

export interface Search {
  readonly agentId: string;
  readonly question: string;
  /** The question before; it lends its words when this one has hardly any of its own ("and to Norway?"). */
  readonly previousQuestion?: string;
  readonly take?: number;
}

/** Less of the question than this, weighed by how rare its words are, is no evidence. */
const minMatchedShare = 0.15;
/** Passages far behind the best only dilute the prompt. */
const minShareOfBest = 0.25;
/** With two words of its own a question stands for itself; lending it others would find evidence for something else. */
const fewTerms = 1;

interface Hit {
  passage_id: string;
  score: number;
  matched_share: number;
}

async function find(tx: Tx, agentId: string, terms: readonly string[], take: number): Promise<Hit[]> {
  if (terms.length === 0) return [];
  const hits = await tx.query<Hit>({
    name: 'agents-search-passages',
    text: 'select passage_id, score, matched_share from app_agents.search_passages($1, $2, $3, $4)',
    values: [agentId, terms, terms.map(toPrefix), take],
  });
  const best = hits[0]?.score ?? 0;
  return hits.filter((hit) => hit.matched_share >= minMatchedShare && hit.score >= best * minShareOfBest);
}

async function correct(tx: Tx, agentId: string, terms: readonly string[]): Promise<readonly string[] | null> {
  const candidates = await tx.query<Candidate>({
    text: 'select word, candidate from app_agents.list_similar_words($1, $2)',
    values: [agentId, terms.filter(isCorrectable)],
  });
  const corrections = correctWords(candidates);
  return corrections.size === 0 ? null : terms.map((term) => corrections.get(term) ?? term);
}

interface Row {
  id: string;
  document_id: string;
  title: string;
  headings: string[];
  page: number | null;
  text: string;
}

async function load(tx: Tx, tenantId: string, hits: readonly Hit[]): Promise<FoundPassage[]> {
  if (hits.length === 0) return [];
  const rows = await tx.query<Row>({
    name: 'agents-load-passages',
    text: `select p.id, p.document_id, d.title, p.headings, p.page, p.text
      from app_agents.passages p
      join app_agents.documents d on d.tenant_id = p.tenant_id and d.id = p.document_id
      where p.tenant_id = $1 and p.id = any($2)`,
    values: [tenantId, hits.map((hit) => hit.passage_id)],
  });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return hits.flatMap((hit) => {
    const row = byId.get(hit.passage_id);
    if (!row) return [];
    const { id, document_id: documentId, title: documentTitle, headings, page, text } = row;
    return [{ id, documentId, documentTitle, headings, page, text, score: hit.score, matchedShare: hit.matched_share }];
  });
}

/**
 * searchPassages returns the best passages, best first, at most `take` (6); empty means that there is no evidence. The
 * transaction's scope decides the organisation. Two queries, three or four when a word seems mistyped.
 */
export async function searchPassages(tx: Tx, search: Search): Promise<FoundPassage[]> {
  const { agentId, take = 6 } = search;
  const tenantId = tx.scope?.tenantId;
  if (tenantId === undefined) throw new Error('a search needs the scope of an organisation');
  let terms: readonly string[] = toTerms(search.question);
  if (terms.length <= fewTerms && search.previousQuestion)
    terms = [...new Set([...terms, ...toTerms(search.previousQuestion)])];
  let hits = await find(tx, agentId, terms, take);
  if (hits.length === 0 && terms.length > 0) {
    const corrected = await correct(tx, agentId, terms);
    if (corrected) hits = await find(tx, agentId, corrected, take);
  }
  return load(tx, tenantId, hits);
}
