/** The routes of identity, ready to be mounted under /api/v1. */
import type { Route } from '#kernel/http';
import { apiKeyRoutes } from './api-keys/routes.ts';
import { mailProofRoutes } from './mail-proofs/routes.ts';
import { readSetup, setUp, signInByPassword, signUp } from './routes/account-routes.ts';
import { readPicture, removePicture, updatePicture } from './routes/picture-routes.ts';
import { changePassword, updateProfile } from './routes/profile-routes.ts';
import { managePasskeyRoutes } from './passkeys/manage-routes.ts';
import { passkeySignInRoutes } from './passkeys/sign-in-routes.ts';
import { stepUp } from './routes/step-up-routes.ts';
import { settingsRoutes } from './second-factors/settings-routes.ts';
import { secondStepRoutes } from './second-factors/sign-in-routes.ts';
import { trustedDeviceRoutes } from './second-factors/trusted-device-routes.ts';
import { listSessions, readSession, revokeOtherSessions, revokeSession, signOut } from './routes/session-routes.ts';
import { signOnRoutes } from './sign-on/routes.ts';
import { scimRoutes } from './scim/routes.ts';
import { tokenRoutes } from './tokens/routes.ts';

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
  updatePicture,
  removePicture,
  readPicture,
  stepUp,
  ...secondStepRoutes,
  ...settingsRoutes,
  ...trustedDeviceRoutes,
  ...managePasskeyRoutes,
  ...passkeySignInRoutes,
  ...mailProofRoutes,
  ...apiKeyRoutes,
  ...tokenRoutes,
  ...scimRoutes,
  ...signOnRoutes,
];
