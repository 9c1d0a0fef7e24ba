/** What can be wrong with copies, archives and the end of accounts. */
import { defineErrors } from '#kernel/errors';

export const privacyErrors = defineErrors('privacy', {
  EXPORT_RUNNING: { status: 409, public: 'A copy of your data is being made already. Wait until it is ready.' },
  EXPORT_NOT_READY: { status: 409, public: 'This copy is not ready.' },
  IMPORT_RUNNING: {
    status: 409,
    public:
      'An archive of yours is being uploaded or read already, here or in another organisation. Wait until it is done, or cancel it.',
  },
  IMPORT_PART_MISPLACED: {
    status: 409,
    public: 'This piece does not follow what has arrived of the archive. Go on from receivedBytes.',
  },
  ARCHIVE_UNREADABLE: {
    status: 422,
    public: 'This is no archive of this server, or it is damaged. Choose the ZIP file as you downloaded it.',
  },
  ARCHIVE_NEWER: {
    status: 422,
    public: 'This archive was made by a newer version of this program. Update this server, then bring it back.',
  },
  ARCHIVE_TOO_LARGE: { status: 422, public: 'This archive holds more than can be read here.' },
  SOLE_OWNER: {
    status: 409,
    public:
      'You are the only owner of an organisation that others belong to. Make somebody else owner, or delete it first.',
  },
  SOLE_OPERATOR: {
    status: 409,
    public: 'You alone run this server. Let somebody else run it first, under Administration, People.',
  },
  NAME_DOES_NOT_MATCH: {
    status: 400,
    public: 'The name is not the name of the organisation. Type it as it is written.',
  },
  PERSONAL_ORGANISATION: {
    status: 409,
    public: 'Your personal organisation ends with your account. Delete the account instead.',
  },
});
