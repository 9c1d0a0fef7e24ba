/** Why a picture was refused, and what its owner can do about it. */
import { defineErrors } from '#kernel/errors';

export const imageErrors = defineErrors('images', {
  IMAGE_TYPE_REFUSED: {
    status: 415,
    public: 'This is not a picture that can be used here. Choose a JPEG, PNG or WebP file, or save yours as one.',
  },
  IMAGE_TOO_LARGE: {
    status: 413,
    public: 'This picture is too large. Make it smaller in a picture editor and choose it again.',
  },
  IMAGE_UNREADABLE: {
    status: 422,
    public:
      'This picture is damaged or incomplete. Open it in a picture editor, save it again and choose the new file.',
  },
  IMAGE_TIMEOUT: {
    status: 422,
    public: 'Preparing this picture took too long. Make it smaller or save it as JPEG, and choose it again.',
  },
});
