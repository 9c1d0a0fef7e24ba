/** The kernel's modules that bring routes and permissions to the server. */
import type { AppDefinition } from '#kernel/app';
import {
  adminAuditActions,
  adminRoutes,
  supportNotificationKinds,
  supportPermissions,
  supportPolicy,
} from '#kernel/admin';
import {
  auditActions,
  auditRoutes,
  permissions as auditPermissions,
  policy as auditPolicy,
  type AuditActions,
} from '#kernel/audit';
import { authAuditActions, authPermissions, authPolicy, authSealedColumns, routes as authRoutes } from '#kernel/auth';
import {
  creditAuditActions,
  creditNotificationKinds,
  creditRoutes,
  permissions as creditPermissions,
  policy as creditPolicy,
} from '#kernel/credits';
import { flagAuditActions, flagRoutes } from '#kernel/flags';
import type { PermissionSet, Route } from '#kernel/http';
import { imageAuditActions, imageRoutes } from '#kernel/images';
import {
  llmAuditActions,
  llmRoutes,
  llmSealedColumns,
  permissions as llmPermissions,
  policy as llmPolicy,
} from '#kernel/llm';
import { mailAuditActions, mailRoutes } from '#kernel/mail';
import {
  kernelNotificationKinds,
  notificationAuditActions,
  notificationRoutes,
  type NotificationKind,
} from '#kernel/notifications';
import { privacyAuditActions, privacyNotificationKinds, privacyRoutes } from '#kernel/privacy';
import { pushAuditActions, pushRoutes, pushSealedColumns } from '#kernel/push';
import { runRoutes } from '#kernel/runs';
import { secretAuditActions, type SealedColumn } from '#kernel/secrets';
import { storageRoutes } from '#kernel/storage';
import { organisationPermissions, organisationPolicy, tenancyAuditActions, tenancyRoutes } from '#kernel/tenancy';

export interface KernelModules {
  readonly routes: readonly Route[];
  readonly permissions: readonly PermissionSet[];
  readonly notificationKinds: readonly NotificationKind[];
  readonly auditActions: readonly AuditActions[];
  /** Every column that holds sealed texts. */
  readonly sealedColumns: readonly SealedColumn[];
}

export const kernelModules: KernelModules = {
  routes: [
    ...adminRoutes,
    ...auditRoutes,
    ...authRoutes,
    ...creditRoutes,
    ...flagRoutes,
    ...imageRoutes,
    ...llmRoutes,
    ...mailRoutes,
    ...notificationRoutes,
    ...privacyRoutes,
    ...pushRoutes,
    ...runRoutes,
    ...storageRoutes,
    ...tenancyRoutes,
  ],
  notificationKinds: [
    ...kernelNotificationKinds,
    ...creditNotificationKinds,
    ...privacyNotificationKinds,
    ...supportNotificationKinds,
  ],
  auditActions: [
    adminAuditActions,
    auditActions,
    authAuditActions,
    creditAuditActions,
    flagAuditActions,
    imageAuditActions,
    llmAuditActions,
    mailAuditActions,
    notificationAuditActions,
    privacyAuditActions,
    pushAuditActions,
    secretAuditActions,
    tenancyAuditActions,
  ],
  sealedColumns: [...authSealedColumns, ...llmSealedColumns, ...pushSealedColumns],
  permissions: [
    { permissions: auditPermissions, policy: auditPolicy },
    { permissions: authPermissions, policy: authPolicy },
    { permissions: organisationPermissions, policy: organisationPolicy },
    { permissions: creditPermissions, policy: creditPolicy },
    { permissions: llmPermissions, policy: llmPolicy },
    { permissions: supportPermissions, policy: supportPolicy },
  ],
};

/** listSealedColumns is every column that holds sealed texts, of the kernel and of the applications. */
export function listSealedColumns(apps: readonly AppDefinition[]): SealedColumn[] {
  return [...kernelModules.sealedColumns, ...apps.flatMap((app) => app.sealedColumns ?? [])];
}

/** listAuditActions is what the kernel and the applications record, with its labels. */
export function listAuditActions(apps: readonly AppDefinition[]): AuditActions[] {
  return [...kernelModules.auditActions, ...apps.map((app) => app.auditActions ?? {})];
}
