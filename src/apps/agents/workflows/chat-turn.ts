/** A chat turn: retrieve, answer, save. However it ends, what was written is kept and the conversation is free again (K12). */
import type { Principal } from '#kernel/auth';
import type { Usage } from '#kernel/llm';
import type { AbandonedRun, RunContext, RunWorkflow, StepContext } from '#kernel/runs';
import { buildPrompt } from '../chat/build-prompt.ts';
import { pickUsed, toCitations } from '../chat/citations.ts';
import { loadTurn, retrieve, type LoadedTurn } from '../chat/load-turn.ts';
import { loadCandidates, saveAnswer, saveCandidates } from '../chat/save-answer.ts';
import { agentsErrors } from '../errors.ts';
import type { FoundPassage } from '../knowledge/search-passages.ts';
import { chatTurnName, type ChatTurnInput } from './chat-turn-input.ts';

/** Evidence is what the retrieve step records: enough to answer after a crash from the very same passages. */
interface Evidence {
  readonly passages: readonly FoundPassage[];
}

interface Answer {
  readonly text: string;
  readonly usage: Usage | null;
}

type Run = RunContext<ChatTurnInput>;

/** What turns that did not finish have used, by their input, until `abandon` saves it; a process that dies takes it along. */
const usageOfUnfinished = new WeakMap<ChatTurnInput, Usage>();

async function load(run: Run): Promise<LoadedTurn> {
  const turn = await run.services.db.withTenant(run.scope, (tx) =>
    loadTurn(tx, run.scope, run.input, { isLast: true }),
  );
  if (!turn) throw agentsErrors.CONVERSATION_NOT_FOUND();
  return turn;
}

/** tellStart is the first event of a turn: what the client can tie its view to. */
function tellStart(run: Run, step: StepContext): void {
  const { conversationId, messageId, answerId } = run.input;
  step.emit('turn-started', { conversationId, messageId, answerId });
}

async function findEvidence(run: Run, step: StepContext): Promise<{ turn: LoadedTurn; evidence: Evidence }> {
  tellStart(run, step);
  const { turn, passages, citations } = await run.services.db.withTenant(run.scope, async (tx) => {
    const loaded = await loadTurn(tx, run.scope, run.input);
    if (!loaded) throw agentsErrors.CONVERSATION_NOT_FOUND();
    const found = await retrieve(tx, loaded);
    const numbered = toCitations(found);
    if (found.length > 0) await saveCandidates(tx, run.scope, run.input.answerId, numbered);
    return { turn: loaded, passages: found, citations: numbered };
  });
  if (citations.length > 0) step.emit('citations', { citations });
  return { turn, evidence: { passages } };
}

/** payerOf names the API key by which the question came: its budget pays for the answer. */
function payerOf({ via }: Principal): { readonly keyId?: string } {
  return via.kind === 'run' && via.keyId !== undefined ? { keyId: via.keyId } : {};
}

async function writeAnswer(run: Run, step: StepContext, turn: LoadedTurn, { passages }: Evidence): Promise<Answer> {
  const numbered = passages.map((passage, index) => ({
    number: index + 1,
    title: [passage.documentTitle, ...passage.headings].join(' › '),
    text: passage.text,
  }));
  const parts = run.services.llm.stream({
    scope: run.scope,
    app: 'agents',
    subjectId: turn.agentId,
    runId: run.runId,
    ...payerOf(run.principal),
    model: turn.model,
    messages: buildPrompt({
      agent: turn.agent,
      passageCount: numbered.length,
      history: turn.history,
      question: turn.question,
    }),
    passages: numbered,
    ...(turn.temperature === null ? {} : { temperature: turn.temperature }),
    signal: step.signal,
  });
  let text = '';
  let usage: Usage | null = null;
  for await (const part of parts) {
    if (part.type === 'text-delta') {
      text += part.text;
      step.emit('text-delta', { text: part.text });
    } else if (part.type === 'reasoning-delta') step.emit('reasoning-delta', { text: part.text });
    else if (part.type === 'usage') {
      usage = part.usage;
      usageOfUnfinished.set(run.input, usage);
    }
  }
  if (text.trim() === '') throw agentsErrors.ANSWER_EMPTY();
  return { text, usage };
}

async function execute(run: Run): Promise<void> {
  let turn: LoadedTurn | undefined;
  let evidence: Evidence = { passages: [] };
  // Decided by the input and never by what is found now, so that every attempt has the same steps.
  if (run.input.hasKnowledge) {
    evidence = await run.step('retrieve', async (step) => {
      const found = await findEvidence(run, step);
      turn = found.turn;
      return found.evidence;
    });
  }
  const answer = await run.lastStep('answer', async (step) => {
    if (!run.input.hasKnowledge) tellStart(run, step);
    // After a crash the retrieve step is not repeated, so that what it had loaded is read here.
    return writeAnswer(run, step, turn ?? (await load(run)), evidence);
  });
  await run.finish('succeeded', (tx) =>
    saveAnswer(tx, run.scope, run.input, {
      runId: run.runId,
      state: 'complete',
      text: answer.text,
      citations: pickUsed(answer.text, toCitations(evidence.passages)),
      usage: answer.usage,
      error: null,
    }),
  );
}

/** abandon keeps the partial text of a turn that was stopped or failed, with the citations it got to use. */
async function abandon(
  tx: Parameters<RunWorkflow['abandon']>[0],
  run: AbandonedRun<ChatTurnInput>,
): Promise<Record<string, unknown>> {
  const candidates = await loadCandidates(tx, run.scope, run.input.answerId);
  const isFailure = run.state === 'failed';
  return saveAnswer(tx, run.scope, run.input, {
    runId: run.runId,
    state: isFailure ? 'failed' : 'stopped',
    text: run.partialText,
    citations: pickUsed(run.partialText, candidates),
    usage: usageOfUnfinished.get(run.input) ?? null,
    error: isFailure ? { code: run.errorCode, detail: run.errorDetail, isRetryable: run.isRetryable } : null,
  });
}

const permissions = { act: 'agents.conversation.write', read: 'agents.conversation.read' };

export const chatTurn: RunWorkflow<ChatTurnInput> = { name: chatTurnName, permissions, execute, abandon };
