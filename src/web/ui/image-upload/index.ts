/** The door of picture upload. Apart from the design system's own, because only pages with pictures need it. */
export { ImageUpload } from './image-upload.tsx';
export type { ImageUploadProps } from './image-upload.tsx';
