/** The routes of identity, ready to be mounted under /api/v1. */
import type { Route } from '#kernel/http';
import { readSetup, setUp, signInByPassword, signUp } from './routes/account-routes.ts';
import { changePassword, updateProfile } from './routes/profile-routes.ts';
import { listSessions, readSession, revokeOtherSessions, revokeSession, signOut } from './routes/session-routes.ts';

export const routes: readonly Route[] = [
  readSetup,
  setUp,
  signUp,
  signInByPassword,
  signOut,
  readSession,
  listSessions,
  revokeSession,
  revokeOtherSessions,
  updateProfile,
  changePassword,
];
