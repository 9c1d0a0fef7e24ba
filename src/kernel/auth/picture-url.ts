/** Where a person's picture is found is known to whoever lists people. */
export { pictureUrlOf } from '#kernel/tenancy';
