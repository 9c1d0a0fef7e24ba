/** A question to the person that calls wait for: asked once however many need it, and its answer holds for every call sent before it. */

export interface Question {
  /**
   * ask resolves to the person's answer. A call sent before the last answer takes that one: its refusal only came late.
   * `sentAt` is what countAnswers said when the call was sent.
   */
  ask(sentAt: number): Promise<boolean>;
  /** answer ends the asking. It may come unasked, when something else has settled the matter. */
  answer(isYes: boolean): void;
  /** onAsked sets the dialog that shows the question. Without one the answer is no; so it is for who still waits at its end. */
  onAsked(show: () => void): () => void;
  /** isDeclined is true from a no until the question is asked again or settled. */
  isDeclined(): boolean;
  /** subscribe hears whenever isDeclined may have changed. */
  subscribe(listener: () => void): () => void;
}

let answersSoFar = 0;

/** countAnswers is the time of calls: what was answered after a call was sent could not be known to its sender. */
export function countAnswers(): number {
  return answersSoFar;
}

/** createQuestion makes one; `whenReady` resolves when the dialog is there, or will not come. */
export function createQuestion(whenReady: () => Promise<unknown>): Question {
  const listeners = new Set<() => void>();
  let show: (() => void) | null = null;
  let waiting: PromiseWithResolvers<boolean> | null = null;
  let last = { isYes: true, at: 0 };
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const settle = (isYes: boolean) => {
    const settled = waiting;
    waiting = null;
    settled?.resolve(isYes);
    tell();
  };
  const begin = () => {
    const begun = Promise.withResolvers<boolean>();
    void whenReady().then(() => {
      if (waiting !== begun) return; // settled meanwhile
      if (show) show();
      else settle(false);
    });
    return begun;
  };
  return {
    ask(sentAt) {
      if (waiting === null && sentAt < last.at) return Promise.resolve(last.isYes);
      if (waiting === null) {
        waiting = begin();
        tell();
      }
      return waiting.promise;
    },
    answer(isYes) {
      answersSoFar += 1;
      last = { isYes, at: answersSoFar };
      settle(isYes);
    },
    onAsked(next) {
      show = next;
      return () => {
        if (show !== next) return;
        show = null;
        last = { ...last, isYes: true }; // the next page starts afresh
        settle(false);
      };
    },
    isDeclined: () => waiting === null && !last.isYes,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
