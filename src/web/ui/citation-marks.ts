/** Turns `[1]` and `[1, 2]` in rendered Markdown into an element of its own per source that exists; code is left as it is. */

interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

const markPattern = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g;
const untouched = new Set(['code', 'pre', 'a']);

/** markCitations is a rehype plugin; it makes `<cite data-citation="1">` of each known number. */
export function markCitations(known: ReadonlySet<number>): () => (tree: Node) => void {
  const visit = (node: Node) => {
    if (!node.children || untouched.has(node.tagName ?? '')) return;
    node.children = node.children.flatMap((child) => {
      if (child.type !== 'text') {
        visit(child);
        return [child];
      }
      return splitText(child.value ?? '', known);
    });
  };
  return () => visit;
}

function splitText(text: string, known: ReadonlySet<number>): Node[] {
  const parts: Node[] = [];
  let from = 0;
  for (const match of text.matchAll(markPattern)) {
    const numbers = (match[1] ?? '').split(/[,;]/).map(Number);
    if (!numbers.every((number) => known.has(number))) continue;
    if (match.index > from) parts.push({ type: 'text', value: text.slice(from, match.index) });
    for (const dataCitation of numbers) {
      parts.push({ type: 'element', tagName: 'cite', properties: { dataCitation }, children: [] });
    }
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ type: 'text', value: text.slice(from) });
  return parts;
}
