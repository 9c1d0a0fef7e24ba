/** Renewal makes somebody anew for all who notice at the same time that they are lost. */
export class Renewal {
  readonly #renew: () => Promise<void>;
  #running: Promise<void> | null = null;

  constructor(renew: () => Promise<void>) {
    this.#renew = renew;
  }

  /** run renews, or joins the renewal that is under way. */
  run(): Promise<void> {
    this.#running ??= this.#renew().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** ended resolves when no renewal is under way. */
  ended(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }
}
