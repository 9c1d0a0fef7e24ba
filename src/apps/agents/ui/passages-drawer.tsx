/** PassagesDrawer shows a document as the agent finds it: its passages in order, with their headings and pages. */
import { Button, Drawer, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { pagesOf } from '#web/api-hooks.ts';
import { ErrorState, LoadingRows } from '#web/ui/index.ts';
import { agentsApi, type Document } from './agents-api.ts';
import classes from './agents.module.css';
import { useLast } from './use-last.ts';

interface PassagesDrawerProps {
  /** Null is closed. */
  readonly document: Document | null;
  readonly onClose: () => void;
}

export function PassagesDrawer({ document, onClose }: PassagesDrawerProps) {
  const shown = useLast(document);
  return (
    <Drawer opened={document !== null} onClose={onClose} position="right" size="lg" title={shown?.filename ?? ''}>
      {shown ? <Passages documentId={shown.id} /> : null}
    </Drawer>
  );
}

function Passages({ documentId }: { readonly documentId: string }) {
  const passages = useInfiniteQuery(
    pagesOf(agentsApi, 'GET /documents/{documentId}/passages', { params: { documentId } }),
  );
  if (passages.isPending) return <LoadingRows rows={4} height={96} />;
  if (!passages.data) return <ErrorState error={passages.error} onRetry={() => void passages.refetch()} />;
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        This is what the agent searches and cites, piece by piece.
      </Text>
      <ol className={classes.passages} aria-label="Passages">
        {passages.data.pages
          .flatMap((page) => page.items)
          .map((passage) => (
            <li key={passage.id} className={classes.passage}>
              <Text size="xs" c="dimmed" mb={4}>
                {[`${passage.position + 1}`, passage.page ? `page ${passage.page}` : '', passage.headings.join(' › ')]
                  .filter(Boolean)
                  .join(' · ')}
              </Text>
              <div className={classes.passageText}>{passage.text}</div>
            </li>
          ))}
      </ol>
      {passages.hasNextPage ? (
        <Button
          mt="md"
          variant="default"
          loading={passages.isFetchingNextPage}
          onClick={() => void passages.fetchNextPage()}
        >
          Show more
        </Button>
      ) : null}
    </>
  );
}
