/** The door of pictures. */
export { imageAuditActions } from './audit-actions.ts';
export { createImageService } from './create-image-service.ts';
export type { CreatedImageService, ImageServiceOptions } from './create-image-service.ts';
export { imageMaxBytesOf } from './image-limits.ts';
export { imageRoutes } from './routes/organisation-picture-routes.ts';
export type {
  EncodedImage,
  ImageKind,
  ImageLimits,
  ImageService,
  OpenImage,
  ProcessOptions,
  StoredImage,
} from './types.ts';
