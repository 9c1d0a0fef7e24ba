/** PassageDrawer opens what a citation points at: the passage marked, its document and page named, its surroundings on demand. */
import { Alert, Button, Drawer, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf } from '#web/api-hooks.ts';
import { ErrorState, LoadingRows } from '#web/ui/index.ts';
import { agentsApi, type Citation } from '../agents-api.ts';
import { useLast } from '../use-last.ts';
import classes from './chat.module.css';

interface PassageDrawerProps {
  /** Null is closed. */
  readonly citation: Citation | null;
  readonly onClose: () => void;
}

export function PassageDrawer({ citation, onClose }: PassageDrawerProps) {
  const shown = useLast(citation);
  return (
    <Drawer
      opened={citation !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={shown ? `Source ${shown.number}: ${shown.documentTitle}` : ''}
    >
      {shown ? <CitedPassage key={shown.passageId} citation={shown} /> : null}
    </Drawer>
  );
}

function usePassage(passageId: string | null) {
  return useQuery({
    ...queryOf(agentsApi, 'GET /passages/{passageId}', { params: { passageId: passageId ?? '' } }),
    enabled: passageId !== null,
    staleTime: Number.POSITIVE_INFINITY, // a passage never changes; a document read anew has new ones
  });
}

function CitedPassage({ citation }: { readonly citation: Citation }) {
  const passage = usePassage(citation.passageId);
  if (passage.isPending) return <LoadingRows rows={2} height={120} />;
  if (passage.error?.code === 'PASSAGE_NOT_FOUND') return <LostPassage citation={citation} />;
  if (!passage.data) return <ErrorState error={passage.error} onRetry={() => void passage.refetch()} />;
  const { headings, page, text, previousPassageId, nextPassageId } = passage.data;
  const place = [page ? `Page ${page}` : '', headings.join(' › ')].filter(Boolean).join(' · ');
  return (
    <>
      {place ? (
        <Text size="sm" c="dimmed" mb="sm">
          {place}
        </Text>
      ) : null}
      <Neighbour key={`before ${previousPassageId}`} passageId={previousPassageId} label="Show what comes before" />
      <mark className={classes.citedPassage}>{text}</mark>
      <Neighbour key={`after ${nextPassageId}`} passageId={nextPassageId} label="Show what comes after" />
    </>
  );
}

function Neighbour({ passageId, label }: { readonly passageId: string | null; readonly label: string }) {
  const [isOpen, setOpen] = useState(false);
  const passage = usePassage(isOpen ? passageId : null);
  if (passageId === null) return null;
  if (passage.data) return <p className={classes.neighbour}>{passage.data.text}</p>;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="gray"
      loading={passage.isFetching}
      onClick={() => setOpen(true)}
      my="xs"
    >
      {label}
    </Button>
  );
}

/** The excerpt was saved with the answer, so that a deleted document does not take the evidence with it. */
function LostPassage({ citation }: { readonly citation: Citation }) {
  return (
    <>
      <Alert color="yellow" variant="light" icon={<IconAlertTriangle size={18} />} py="xs" mb="sm">
        <Text size="sm">
          The passage is gone: its document was deleted or read anew. This is the beginning that was kept with the
          answer.
        </Text>
      </Alert>
      <mark className={classes.citedPassage}>{citation.excerpt}</mark>
    </>
  );
}
