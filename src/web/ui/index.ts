/** The door of the design system. Markdown has its own (`#web/ui/safe-markdown.tsx`): it is heavy and only chats need it. */
export type { CitationRef } from './citation-chip.tsx';
export { ConfirmDialog } from './confirm-dialog.tsx';
export { copyText } from './copy-text.ts';
export { DataRow, PagedList } from './data-list.tsx';
export { showFieldErrors, useDraft } from './form.ts';
export { formatAgo, formatBytes, formatLimit, formatTime } from './format.ts';
export { PageHeader, usePageTitle } from './page-header.tsx';
export { SearchField } from './search-field.tsx';
export { EmptyState, ErrorState, FormProblem, LoadingRows } from './states.tsx';
export type { IconType } from './states.tsx';
export { StatusBadge } from './status-badge.tsx';
export type { Tone } from './status-badge.tsx';
export { UploadArea } from './upload-area.tsx';
export type { Upload, UploadFile } from './use-uploads.ts';
