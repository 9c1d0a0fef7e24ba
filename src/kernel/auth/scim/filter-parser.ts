/** Filters and paths of SCIM (RFC 7644, figures 1 and 7) as trees, in time that grows with their length alone. */

export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

export type Filter =
  | { readonly op: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly op: 'not'; readonly filter: Filter }
  | { readonly op: 'pr'; readonly path: string }
  /** What the standard calls a value path: `emails[type eq "work"]`. */
  | { readonly op: '[]'; readonly path: string; readonly filter: Filter }
  | { readonly op: Comparison; readonly path: string; readonly value: string | number | boolean | null };

/** ValuePath is where a PATCH changes something: `name.familyName`, `emails[type eq "work"].value`. */
export interface ValuePath {
  readonly attribute: string;
  readonly filter: Filter | null;
  readonly subAttribute: string | null;
}

const comparisons: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const literals: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const maxDepth = 10;

const tokenPattern =
  /\s*(?:("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.:$-])|([()[\]])|(\.?[A-Za-z$][\w$:.-]*))/uy;

type TokenKind = 'text' | 'number' | 'mark' | 'word' | 'end';
interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const end: Token = { kind: 'end', text: '' };

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const bare = source.trimEnd();
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < bare.length) {
    const at = tokenPattern.lastIndex;
    const [, text, number, mark, word] = tokenPattern.exec(bare) ?? [];
    if (text !== undefined) tokens.push({ kind: 'text', text });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else throw new Error(`nothing that is understood at ${at}`);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? end;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #isWord(word: string): boolean {
    const { kind, text } = this.#peek();
    return kind === 'word' && text.toLowerCase() === word;
  }

  #expect(mark: string): void {
    if (this.#take().text !== mark) throw new Error(`${mark} is missing`);
  }

  end(): void {
    if (this.#peek() !== end) throw new Error('there is more than one filter');
  }

  /** `or` binds least, `not` most (RFC 7644, 3.4.2.2). */
  filter(): Filter {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new Error('the filter nests too deep');
    const filter = this.#chain('or', () => this.#chain('and', () => this.#term()));
    this.#depth -= 1;
    return filter;
  }

  #chain(op: 'and' | 'or', next: () => Filter): Filter {
    const filters = [next()];
    while (this.#isWord(op)) {
      this.#take();
      filters.push(next());
    }
    const [only] = filters;
    return filters.length === 1 && only ? only : { op, filters };
  }

  #group(): Filter {
    this.#expect('(');
    const filter = this.filter();
    this.#expect(')');
    return filter;
  }

  #term(): Filter {
    if (this.#peek().text === '(' && this.#peek().kind === 'mark') return this.#group();
    const isNot = this.#isWord('not') && this.#tokens[this.#at + 1]?.text === '(';
    if (!isNot) return this.#condition();
    this.#take();
    return { op: 'not', filter: this.#group() };
  }

  #path(): string {
    const { kind, text } = this.#take();
    if (kind !== 'word' || text.startsWith('.')) throw new Error('an attribute is missing');
    return text;
  }

  #condition(): Filter {
    const path = this.#path();
    const { kind, text } = this.#take();
    if (kind === 'mark' && text === '[') {
      const filter = this.filter();
      this.#expect(']');
      return { op: '[]', path, filter };
    }
    const op = text.toLowerCase();
    if (kind !== 'word') throw new Error('an operator is missing');
    if (op === 'pr') return { op, path };
    if (!comparisons.has(op)) throw new Error('this operator is not known');
    return { op: op as Comparison, path, value: this.#value() };
  }

  #value(): string | number | boolean | null {
    const { kind, text } = this.#take();
    if (kind === 'text' || kind === 'number') return JSON.parse(text) as string | number;
    const literal = kind === 'word' ? literals.get(text.toLowerCase()) : undefined;
    if (literal === undefined) throw new Error('a value is missing');
    return literal;
  }

  valuePath(): ValuePath {
    const attribute = this.#path();
    if (this.#peek() === end) return { attribute, filter: null, subAttribute: null };
    this.#expect('[');
    const filter = this.filter();
    this.#expect(']');
    const { kind, text } = this.#peek();
    const hasSub = kind === 'word' && text.startsWith('.');
    if (hasSub) this.#take();
    return { attribute, filter, subAttribute: hasSub ? text.slice(1) : null };
  }
}

/** parseFilter throws an Error for what is no filter. */
export function parseFilter(text: string): Filter {
  const parser = new Parser(text);
  const filter = parser.filter();
  parser.end();
  return filter;
}

/** parseValuePath throws an Error for what is no path. */
export function parseValuePath(text: string): ValuePath {
  const parser = new Parser(text);
  const path = parser.valuePath();
  parser.end();
  return path;
}
