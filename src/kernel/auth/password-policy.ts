/**
 * Says which rules a password breaks and how strong it is; pure, so that the server's verdict and the form's live
 * meter are the same code. Imports nothing of Node; the word lists load on first use (their own chunk in a browser).
 */

/** PasswordRule is the stable code of a rule; texts for people are in `passwordRuleTexts`. */
export type PasswordRule =
  | 'too-short'
  | 'too-long'
  | 'needs-upper'
  | 'needs-lower'
  | 'needs-digit'
  | 'needs-symbol'
  | 'common'
  | 'personal'
  | 'breached';

export interface PasswordPolicy {
  /** Shortest password, in Unicode code points. */
  readonly minLength: number;
  /** Ask for upper, lower, digit and symbol; false is the NIST mode: length and blocklist only. */
  readonly needsClasses: boolean;
}

export interface PasswordVerdict {
  /** Empty when the password may be used. */
  readonly failedRules: readonly PasswordRule[];
  /** 0 (guessed at once) to 4 (very unguessable), as zxcvbn estimates it. */
  readonly score: 0 | 1 | 2 | 3 | 4;
}

/** maxPasswordLength bounds the work a password can cause; far above the 64 that must be allowed. */
export const maxPasswordLength = 1000;

/** passwordRuleTexts says each rule in words; `{minLength}` is filled in by whoever shows it. */
export const passwordRuleTexts: Readonly<Record<PasswordRule, string>> = {
  'too-short': 'At least {minLength} characters',
  'too-long': `At most ${maxPasswordLength} characters`,
  'needs-upper': 'An upper-case letter',
  'needs-lower': 'A lower-case letter',
  'needs-digit': 'A digit',
  'needs-symbol': 'A symbol, such as ! or a space',
  common: 'Not one of the passwords everybody tries first',
  personal: 'Not your name, e-mail address or username',
  breached: 'Not a password from a known data breach: somebody has it on a list',
};

/** normalizePassword makes equal what looks equal, whatever keyboard typed it (NIST SP 800-63B, NFKC). */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

/** At most so many characters of decoration are looked through, as in `Sunshine2024!`; more is entropy of its own. */
const maxDecoration = 6;
const leet: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

function undoLeet(text: string): string {
  return text.replaceAll(/[013457@$!]/g, (sign) => leet[sign] ?? sign);
}

/** coresOf returns what a person meant: the password itself, without decoration at its ends, and with leet undone. */
function coresOf(lower: string): readonly string[] {
  const inner = lower.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  const head = lower.replace(/[^\p{L}]+$/u, ''); // keeps a leading sign that stands for a letter, as in `$unshine1`
  const bare = [inner, head].filter((core) => core !== '' && lower.length - core.length <= maxDecoration);
  const cores = [lower, ...bare];
  return [...new Set([...cores, ...cores.map(undoLeet)])];
}

/** isRepetition recognises one short piece said over and over: `aaaaaaaaaaaa`, `abcabcabcabc`. */
function isRepetition(text: string): boolean {
  return /^(.{1,4})\1{2,}$/u.test(text);
}

/** isRun recognises `abcdefghijkl` and `987654321098`: each character follows the one before; 0 and 9 meet. */
function isRun(text: string): boolean {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  const follows = (step: 1 | -1): boolean =>
    points.every((point, index) => {
      const before = points[index - 1];
      return before === undefined || point - before === step || point - before === -9 * step;
    });
  return points.length >= 4 && (follows(1) || follows(-1));
}

function isPersonal(lower: string, userInputs: readonly string[]): boolean {
  const cores = coresOf(lower);
  return userInputs
    .flatMap((input) => [input, ...input.split(/[@\s]/), input.split('@')[0] ?? ''])
    .map((input) => normalizePassword(input).toLowerCase().trim())
    .filter((input) => [...input].length >= 4)
    .some((input) => cores.includes(input));
}

let blocklist: Promise<ReadonlySet<string>> | undefined;

/** loadBlocklist returns the common passwords (49k, lower case); from the package on disk, never from the network. */
function loadBlocklist(): Promise<ReadonlySet<string>> {
  blocklist ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set<string>(dictionary['passwords-common'] as readonly string[]),
  );
  return blocklist;
}

/**
 * findFailedRules says which rules a password breaks; an empty list means that it may be used. `userInputs` are the
 * person's own name, e-mail address and so on. Costs no estimate, so that it is cheap for any input.
 */
export async function findFailedRules(
  password: string,
  policy: PasswordPolicy,
  userInputs: readonly string[] = [],
): Promise<readonly PasswordRule[]> {
  if (password.length > maxPasswordLength) return ['too-long'];
  const normal = normalizePassword(password);
  const failed: PasswordRule[] = [];
  if ([...normal].length < policy.minLength) failed.push('too-short');
  if (policy.needsClasses) {
    if (!/\p{Lu}/u.test(normal)) failed.push('needs-upper');
    if (!/\p{Ll}/u.test(normal)) failed.push('needs-lower');
    if (!/\p{Nd}/u.test(normal)) failed.push('needs-digit');
    if (!/[^\p{L}\p{N}]/u.test(normal)) failed.push('needs-symbol');
  }
  const lower = normal.toLowerCase();
  const common = await loadBlocklist();
  if (coresOf(lower).some((core) => common.has(core) || isRepetition(core) || isRun(core))) failed.push('common');
  if (isPersonal(lower, userInputs)) failed.push('personal');
  return failed;
}

/** Longer texts are judged by their beginning: the estimate grows faster than the text, and a form must stay live. */
const estimatedLength = 100;

let estimator: Promise<(password: string, userInputs: readonly string[]) => PasswordVerdict['score']> | undefined;

function loadEstimator(): NonNullable<typeof estimator> {
  estimator ??= Promise.all([import('@zxcvbn-ts/core'), import('@zxcvbn-ts/language-common')]).then(
    ([core, common]) => {
      const zxcvbn = new core.ZxcvbnFactory({
        dictionary: common.dictionary,
        graphs: common.adjacencyGraphs,
        maxLength: estimatedLength,
      });
      return (password, userInputs) => zxcvbn.check(password, [...userInputs]).score;
    },
  );
  return estimator;
}

/** checkPassword gives the whole verdict for a form: failed rules, and strength from 0 to 4. */
export async function checkPassword(
  password: string,
  options: { readonly policy: PasswordPolicy; readonly userInputs?: readonly string[] },
): Promise<PasswordVerdict> {
  const userInputs = options.userInputs ?? [];
  const failedRules = await findFailedRules(password, options.policy, userInputs);
  if (password.length > maxPasswordLength) return { failedRules, score: 0 };
  const estimate = await loadEstimator();
  const score = estimate(normalizePassword(password), userInputs);
  // What is on the list is guessed in seconds, however it scores.
  return {
    failedRules,
    score: failedRules.includes('common') || failedRules.includes('personal') ? (Math.min(score, 1) as 0 | 1) : score,
  };
}
