/** A delivery loop tries what is due, a bounded number at once, and never stops because one try or the database failed. */
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';

export interface DeliveryLoopOptions<Item> {
  /** For the log: `mail`, `push`. */
  readonly name: string;
  readonly db: Pick<Database, 'listen'>;
  readonly log: Logger;
  /** NOTIFY channel that says that something became due. */
  readonly channel: string;
  /** Tries at once in this process. */
  readonly concurrency: number;
  /** How often to look without being told; default 5,000. */
  readonly pollMilliseconds?: number;
  /** Takes up to `limit` due items for this process alone, by a lease. */
  readonly claim: (limit: number) => Promise<readonly Item[]>;
  /** Tries one item and settles it. What it throws is logged; the lease then brings the item back. */
  readonly deliver: (item: Item) => Promise<void>;
}

export interface DeliveryLoop {
  /** Begins to deliver. Call it once. */
  open(): Promise<void>;
  /** Claims nothing more and waits for the tries under way, so long at most. */
  drain(milliseconds: number): Promise<void>;
  /** Looks now. */
  wake(): void;
}

/** createDeliveryLoop makes a loop that is still until `open`. */
export function createDeliveryLoop<Item>(options: DeliveryLoopOptions<Item>): DeliveryLoop {
  return new Loop(options);
}

class Loop<Item> implements DeliveryLoop {
  readonly #options: DeliveryLoopOptions<Item>;
  readonly #underWay = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => undefined;

  constructor(options: DeliveryLoopOptions<Item>) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { channel, db, pollMilliseconds = 5_000 } = this.#options;
    this.#timer = setInterval(() => this.wake(), pollMilliseconds);
    this.#timer.unref();
    this.#stopListening = await db.listen(channel, () => this.wake());
    this.wake();
  }

  wake(): void {
    if (this.#isStopped) return;
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      // Asked for between the last look and here.
      if (this.#lookAgain) this.wake();
    });
  }

  async drain(milliseconds: number): Promise<void> {
    this.#isStopped = true;
    this.#lookAgain = false;
    clearInterval(this.#timer);
    this.#stopListening();
    await this.#looking;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    await Promise.race([Promise.all(this.#underWay), late]);
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const { claim, concurrency, log, name } = this.#options;
    try {
      while (this.#lookAgain && !this.#isStopped) {
        this.#lookAgain = false;
        const room = concurrency - this.#underWay.size;
        // A try that ends looks again.
        if (room <= 0) return;
        for (const item of await claim(room)) this.#start(item);
      }
    } catch (error) {
      this.#lookAgain = false;
      log.warn({ err: error, delivery: name }, 'looking for deliveries failed; it is tried again');
    }
  }

  #start(item: Item): void {
    const { deliver, log, name } = this.#options;
    const work = deliver(item)
      .catch((error: unknown) =>
        log.warn({ err: error, delivery: name }, 'a delivery was not settled; its lease runs out'),
      )
      .finally(() => {
        this.#underWay.delete(work);
        this.wake();
      });
    this.#underWay.add(work);
  }
}
