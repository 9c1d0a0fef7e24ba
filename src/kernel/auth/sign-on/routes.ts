/** The routes of signing on through others. */
import type { Route } from '#kernel/http';
import { listLinkedAccounts, unlinkAccount } from './routes/linked-account-routes.ts';
import {
  appleAnswer,
  finishSignOnRoute,
  readProviders,
  readSamlMetadata,
  routeAddress,
  samlAnswer,
  signInByApple,
  startLink,
  startSignOn,
  startStepUp,
} from './routes/sign-on-routes.ts';
import { backchannelLogout, signOutEverywhere } from './routes/sign-out-routes.ts';
import {
  createSsoConnection,
  deleteSsoConnection,
  listSsoConnections,
  readSsoConnection,
  testSsoConnection,
  updateSsoConnection,
} from './routes/sso-connection-routes.ts';
import {
  claimDomain,
  confirmDomain,
  giveUpDomain,
  listWaitingDomains,
  verifyDomain,
} from './routes/sso-domain-routes.ts';

export const signOnRoutes: readonly Route[] = [
  readProviders,
  routeAddress,
  startSignOn,
  startLink,
  startStepUp,
  finishSignOnRoute,
  appleAnswer,
  samlAnswer,
  readSamlMetadata,
  signInByApple,
  signOutEverywhere,
  backchannelLogout,
  listLinkedAccounts,
  unlinkAccount,
  listSsoConnections,
  createSsoConnection,
  readSsoConnection,
  updateSsoConnection,
  deleteSsoConnection,
  testSsoConnection,
  claimDomain,
  verifyDomain,
  giveUpDomain,
  listWaitingDomains,
  confirmDomain,
];
