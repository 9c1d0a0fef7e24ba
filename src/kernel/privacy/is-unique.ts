/** Two at once: the index lets one through, and the other is told so. */

/** isUnique tells the refusal of the index that lets one run at a time. */
export const isUnique = (error: unknown): boolean => (error as { code?: unknown }).code === '23505';
