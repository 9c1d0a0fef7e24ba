/**
 * Shows Markdown from people and models safely (K5.2): HTML in it is shown as text or sanitised away, no picture is
 * fetched from a foreign host by being looked at, links say where they lead. Finished blocks of a stream never re-render.
 */
import { createContext, memo, use, useMemo } from 'react';
import Markdown, { type Components } from 'react-markdown';
import rehypeHighlight from 'rehype-highlight';
import rehypeSanitize from 'rehype-sanitize';
import remarkGfm from 'remark-gfm';
import { CitationChip, type CitationRef } from './citation-chip.tsx';
import { markCitations } from './citation-marks.ts';
import { CodeBlock } from './code-block.tsx';
import { hostOf, isOurs } from './foreign-host.ts';
import './highlight.css';
import classes from './markdown.module.css';
import { splitMarkdown } from './split-markdown.ts';

interface SafeMarkdownProps {
  readonly text: string;
  /** Sources that `[n]` in the text may point at. Keep the array's identity while it does not change. */
  readonly citations?: readonly CitationRef[];
  readonly onOpenCitation?: (number: number) => void;
  /** True while the text still grows: shows a caret at its end. */
  readonly isStreaming?: boolean;
}

const noCitations: readonly CitationRef[] = [];
const ignore = () => undefined;

/** What the chips of an answer need; a context, because react-markdown makes the elements. */
const CitationContext = createContext<Required<Pick<SafeMarkdownProps, 'citations' | 'onOpenCitation'>>>({
  citations: noCitations,
  onOpenCitation: ignore,
});

/** SafeMarkdown shows `text`. Give the same component longer and longer text to stream into it. */
export function SafeMarkdown({
  text,
  citations = noCitations,
  onOpenCitation = ignore,
  isStreaming,
}: SafeMarkdownProps) {
  const blocks = useMemo(() => splitMarkdown(text), [text]);
  const known = citations.map(({ number }) => number).join(' ');
  const context = useMemo(() => ({ citations, onOpenCitation }), [citations, onOpenCitation]);
  return (
    <CitationContext value={context}>
      <div className={classes.markdown} dir="auto" data-streaming={isStreaming || undefined}>
        {blocks.map((block, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- a block's place is its identity: text is only appended
          <Block key={index} text={block} known={known} />
        ))}
      </div>
    </CitationContext>
  );
}

interface BlockProps {
  readonly text: string;
  /** Numbers of the sources, joined by spaces: equal texts keep the block from rendering again. */
  readonly known: string;
}

const remarkPlugins = [remarkGfm];
/** Sanitised first: what later plugins add is our own. */
const safePlugins = [rehypeSanitize, [rehypeHighlight, { detect: false }]] as NonNullable<
  Parameters<typeof Markdown>[0]['rehypePlugins']
>;

const Block = memo(function Block({ text, known }: BlockProps) {
  const rehypePlugins = useMemo(() => [...safePlugins, markCitations(new Set(known.split(' ').map(Number)))], [known]);
  return (
    <Markdown remarkPlugins={remarkPlugins} rehypePlugins={rehypePlugins} components={components}>
      {text}
    </Markdown>
  );
});

const components: Components = {
  cite: ({ node }) => <Cite number={Number(node?.properties['dataCitation'])} />,
  a: ({ href, children }) => <SafeLink href={href ?? ''}>{children}</SafeLink>,
  img: ({ src, alt }) => <SafeImage src={typeof src === 'string' ? src : ''} alt={alt ?? ''} />,
  input: ({ checked }) => (
    <input type="checkbox" checked={checked ?? false} disabled aria-label={checked ? 'Done' : 'Not done'} />
  ),
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  table: ({ children }) => (
    // Not a region: a chat may have many tables, and a landmark for each would hide those of the page.
    <div className={classes.tableScroll} tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
};

function Cite({ number }: { readonly number: number }) {
  const { citations, onOpenCitation } = use(CitationContext);
  const citation = citations.find((candidate) => candidate.number === number);
  return citation ? <CitationChip citation={citation} onOpen={onOpenCitation} /> : null;
}

/** SafeLink opens in a tab that cannot reach back, and names the host unless the text already does. */
function SafeLink({ href, children }: { readonly href: string; readonly children: React.ReactNode }) {
  if (!href) return <>{children}</>;
  const host = isOurs(href) ? null : hostOf(href);
  const isNamed = host !== null && typeof children === 'string' && children.includes(host);
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
      {host && !isNamed ? <span className={classes.host}> ({host})</span> : null}
    </a>
  );
}

/** SafeImage shows pictures of this server only; a foreign one is a link: fetching it would tell its host what was read. */
function SafeImage({ src, alt }: { readonly src: string; readonly alt: string }) {
  if (!src) return null;
  if (isOurs(src)) return <img src={src} alt={alt} loading="lazy" />;
  return (
    <a href={src} target="_blank" rel="noopener noreferrer nofollow" className={classes.foreignImage}>
      Picture{alt ? ` “${alt}”` : ''} on {hostOf(src) ?? 'another site'} – not loaded. Open it there
    </a>
  );
}
