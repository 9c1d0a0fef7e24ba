/** Takes XML apart into its tags, in time that grows with its length alone: nothing is expanded, nothing is verified. */

export interface XmlTag {
  readonly isClosing: boolean;
  readonly isEmpty: boolean;
  /** Without prefix. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** What follows up to the next tag. */
  readonly text: string;
}

const tagPattern = /<(\/?)(?:[\w.-]+:)?([\w.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>([^<]*)/g;
const attributePattern = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '');
}

/** dropSpans leaves out what stands between two marks; null when one does not end. A pattern would look for each end anew. */
function dropSpans(text: string, start: string, end: string): string | null {
  const kept: string[] = [];
  let at = 0;
  for (let from = text.indexOf(start); from >= 0; from = text.indexOf(start, at)) {
    const to = text.indexOf(end, from + start.length);
    if (to < 0) return null;
    kept.push(text.slice(at, from));
    at = to + end.length;
  }
  return kept.join('') + text.slice(at);
}

/** readXmlTags lists the tags in their order; null for what has a document type, sections of raw text, or no end of a comment. */
export function readXmlTags(xml: string): XmlTag[] | null {
  if (/<!(?:DOCTYPE|ENTITY|\[CDATA)/i.test(xml)) return null;
  const uncommented = dropSpans(xml, '<!--', '-->');
  const bare = uncommented === null ? null : dropSpans(uncommented, '<?', '?>');
  if (bare === null || bare.includes('<!')) return null;
  return [...bare.matchAll(tagPattern)].map(([, slash, name = '', attributes = '', end, text = '']) => ({
    isClosing: slash === '/',
    isEmpty: end === '/',
    name,
    attributes: new Map(
      [...attributes.matchAll(attributePattern)].map((match) => [
        match[1] ?? '',
        decodeEntities(match[2] ?? match[3] ?? ''),
      ]),
    ),
    text,
  }));
}
