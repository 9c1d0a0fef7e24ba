/** Folds the events of a run, in order, into what a person sees; pure, so that live, replayed and resumed look the same. */

/**
 * RunEvent is one event as the stream delivers it: `data` is flat, the number of its `step` beside the fields of its type.
 * The run types of the kernel list the types of events.
 */
export interface RunEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface RunCitation {
  readonly number: number;
  readonly [more: string]: unknown;
}

/** RunStep is what one step of the run has shown so far. */
export interface RunStep {
  readonly step: number;
  readonly name: string;
  readonly text: string;
  readonly reasoning: string;
  readonly citations: readonly RunCitation[] | null;
  /** Events of other types, as they came: tool calls, tool results, whatever the app defines. */
  readonly events: readonly RunEvent[];
}

export interface RunView {
  /** `waiting` until the first event, `running` until `done`, then the run's final state. */
  readonly state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly steps: readonly RunStep[];
  /** The answer so far: the text of all steps. */
  readonly text: string;
  readonly reasoning: string;
  readonly citations: readonly RunCitation[];
  /** Data of `done`, null until then. */
  readonly done: Readonly<Record<string, unknown>> | null;
  /** Where to resume; null before the first event. */
  readonly lastEventId: string | null;
  /** How often the run had to begin a step again; above 1 something was interrupted. */
  readonly attempt: number;
}

/** emptyRun is a run of which nothing has been heard. */
export const emptyRun: RunView = {
  state: 'waiting',
  steps: [],
  text: '',
  reasoning: '',
  citations: [],
  done: null,
  lastEventId: null,
  attempt: 1,
};

/** foldRunEvents applies events to a view. An event that is not newer than the last one is ignored. */
export function foldRunEvents(view: RunView, events: readonly RunEvent[]): RunView {
  return events.reduce(applyEvent, view);
}

function applyEvent(view: RunView, event: RunEvent): RunView {
  if (view.done || !isNewer(event.id, view.lastEventId)) return view;
  const seen: RunView = { ...view, lastEventId: event.id, state: 'running' };
  const { data } = event;
  const number = asNumber(data['step'], seen.steps.at(-1)?.step ?? 0);
  const text = asText(data['text']);
  switch (event.type) {
    case 'attempt-started':
      return dropFrom({ ...seen, attempt: asNumber(data['attempt'], seen.attempt) }, number);
    case 'step-started':
      return openStep(seen, number, asText(data['name']));
    case 'text-delta':
      return { ...changeStep(seen, number, (step) => ({ ...step, text: step.text + text })), text: seen.text + text };
    case 'reasoning-delta': {
      const next = changeStep(seen, number, (step) => ({ ...step, reasoning: step.reasoning + text }));
      return { ...next, reasoning: seen.reasoning + text };
    }
    case 'citations':
      return summarise(changeStep(seen, number, (step) => ({ ...step, citations: asCitations(data['citations']) })));
    case 'done':
      return { ...seen, state: asFinalState(data['state']), done: data };
    default:
      return changeStep(seen, number, (step) => ({ ...step, events: [...step.events, event] }));
  }
}

/** dropFrom forgets what came from `step` or later: a new attempt says it again. */
function dropFrom(view: RunView, step: number): RunView {
  return summarise({ ...view, steps: view.steps.filter((candidate) => candidate.step < step) });
}

function openStep(view: RunView, step: number, name: string): RunView {
  const before = view.steps.filter((candidate) => candidate.step < step);
  return summarise({ ...view, steps: [...before, { ...blankStep, step, name }] });
}

const blankStep: RunStep = { step: 0, name: '', text: '', reasoning: '', citations: null, events: [] };

/** changeStep changes the newest step, which an event of a step that was never announced opens without a name. */
function changeStep(view: RunView, number: number, change: (step: RunStep) => RunStep): RunView {
  const last = view.steps.at(-1);
  const isOpen = last !== undefined && last.step >= number;
  const before = isOpen ? view.steps.slice(0, -1) : view.steps;
  return { ...view, steps: [...before, change(isOpen ? last : { ...blankStep, step: number })] };
}

function summarise(view: RunView): RunView {
  return {
    ...view,
    text: view.steps.map((step) => step.text).join(''),
    reasoning: view.steps.map((step) => step.reasoning).join(''),
    citations: view.steps.findLast((step) => step.citations !== null)?.citations ?? [],
  };
}

/** isNewer compares event ids `<attempt>-<seq>`: by attempt, then by sequence. */
export function isNewer(id: string, than: string | null): boolean {
  if (than === null) return true;
  const [attempt = 0, seq = 0] = id.split('-').map(Number);
  const [lastAttempt = 0, lastSeq = 0] = than.split('-').map(Number);
  return attempt > lastAttempt || (attempt === lastAttempt && seq > lastSeq);
}

function asCitations(value: unknown): readonly RunCitation[] {
  return Array.isArray(value) ? (value as RunCitation[]) : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asNumber(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function asFinalState(value: unknown): RunView['state'] {
  return value === 'succeeded' || value === 'cancelled' ? value : 'failed';
}
