/** What the API shows of a stored credential never helps to guess it. */

const shortestShown = 12;

/** lastFour is the end of a credential, for recognising it; empty when it is so short that four characters tell much. */
export function lastFour(plaintext: string): string {
  const characters = [...plaintext];
  return characters.length < shortestShown ? '' : characters.slice(-4).join('');
}
