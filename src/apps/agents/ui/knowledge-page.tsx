/** Knowledge of an agent: files go in with progress, each says how far it has been read and what is wrong with it. */
import { IconBook2 } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, pagesOf, useCall } from '#web/api-hooks.ts';
import { usePageParams } from '#web/page-params.ts';
import { usePermission } from '#web/session.ts';
import { ConfirmDialog, EmptyState, formatLimit, LoadingRows, PagedList, UploadArea } from '#web/ui/index.ts';
import { useUploadLimits } from '#web/upload-limits.ts';
import { AgentHeader } from './agent-header.tsx';
import { AgentMissing } from './agent-missing.tsx';
import { agentQuery, agentsApi, type Document } from './agents-api.ts';
import classes from './agents.module.css';
import { DocumentRow } from './document-row.tsx';
import { PassagesDrawer } from './passages-drawer.tsx';
import { useLast } from './use-last.ts';

const pollMilliseconds = 1_000;

export default function KnowledgePage() {
  const { agentId } = usePageParams('agentId');
  const agent = useQuery(agentQuery(agentId));
  if (agent.isPending) return <LoadingRows rows={4} />;
  if (!agent.data) return <AgentMissing error={agent.error} onRetry={() => void agent.refetch()} />;
  return (
    <>
      <AgentHeader agent={agent.data} page="Knowledge" />
      <Documents key={agentId} agentId={agentId} />
    </>
  );
}

function Documents({ agentId }: { readonly agentId: string }) {
  const mayWrite = usePermission('agents.document.write');
  const { fileMaxBytes } = useUploadLimits();
  const { documents, items, refresh } = useDocuments(agentId);
  const [opened, setOpened] = useState<Document | null>(null);
  const [doomed, setDoomed] = useState<Document | null>(null);
  return (
    <>
      {mayWrite ? (
        <div className={classes.uploads}>
          <UploadArea
            hint={`Text (.txt), Markdown (.md) or PDF with text in it, up to ${formatLimit(fileMaxBytes)} each, as many as you like.`}
            accept=".txt,.md,.markdown,.pdf"
            maxBytes={fileMaxBytes}
            upload={(file, options) =>
              agentsApi('POST /agents/{agentId}/documents', { params: { agentId }, file, ...options })
            }
            onUploaded={refresh}
          />
        </div>
      ) : null}
      <PagedList
        label="Documents"
        pages={{ ...documents, items }}
        itemKey={(document) => document.id}
        renderItem={(document) => (
          <DocumentRow
            document={document}
            mayWrite={mayWrite}
            onOpen={() => setOpened(document)}
            onDelete={() => setDoomed(document)}
            onChanged={refresh}
          />
        )}
        empty={<NoDocuments />}
      />
      <PassagesDrawer document={opened} onClose={() => setOpened(null)} />
      <DeleteDocument document={doomed} onDeleted={refresh} onClose={() => setDoomed(null)} />
    </>
  );
}

function NoDocuments() {
  return (
    <EmptyState icon={IconBook2} title="No documents yet">
      Documents are what this agent answers from. They are cut into passages, and every answer cites the passages it
      rests on. A PDF that is a scan needs text recognition (OCR) first.
    </EmptyState>
  );
}

/** useDocuments polls while anything is still being read, and not otherwise. */
function useDocuments(agentId: string) {
  const queryClient = useQueryClient();
  const documents = useInfiniteQuery({
    ...pagesOf(agentsApi, 'GET /agents/{agentId}/documents', { params: { agentId } }),
    refetchInterval: ({ state }) => (state.data?.pages.some(isReading) ? pollMilliseconds : false),
  });
  const refresh = () => {
    void documents.refetch();
    void queryClient.invalidateQueries({ queryKey: agentQuery(agentId).queryKey });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /agents') });
  };
  return { documents, items: documents.data?.pages.flatMap((page) => page.items) ?? [], refresh };
}

function isReading(page: { readonly items: readonly Document[] }): boolean {
  return page.items.some(({ state }) => state === 'queued' || state === 'processing');
}

interface DeleteDocumentProps {
  readonly document: Document | null;
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

function DeleteDocument({ document, onDeleted, onClose }: DeleteDocumentProps) {
  const shown = useLast(document);
  const remove = useCall(agentsApi, 'DELETE /documents/{documentId}', {
    onSuccess: () => {
      onClose();
      onDeleted();
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      isOpen={document !== null}
      title={`Delete “${shown?.filename ?? ''}”?`}
      confirmLabel="Delete"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => document && remove.mutate({ params: { documentId: document.id } })}
      onClose={close}
    >
      The file and its passages are deleted for good. Answers that cite it keep their text, but the passage can no
      longer be opened.
    </ConfirmDialog>
  );
}
