/** The kernel's modules that bring routes and permissions to the server. */
import { routes as authRoutes } from '#kernel/auth';
import type { PermissionSet, Route } from '#kernel/http';
import { llmRoutes, permissions as llmPermissions, policy as llmPolicy } from '#kernel/llm';
import { runRoutes } from '#kernel/runs';
import { storageRoutes } from '#kernel/storage';

export interface KernelModules {
  readonly routes: readonly Route[];
  readonly permissions: readonly PermissionSet[];
}

export const kernelModules: KernelModules = {
  routes: [...authRoutes, ...llmRoutes, ...runRoutes, ...storageRoutes],
  permissions: [{ permissions: llmPermissions, policy: llmPolicy }],
};
