/** EmailAddress writes an address so that a narrow line breaks before its @, not in the middle of a word. */

/** EmailAddress stands in text; screen readers and copying see the plain address. */
export function EmailAddress({ address }: { readonly address: string }) {
  const at = address.lastIndexOf('@');
  if (at < 1) return address;
  return (
    <>
      {address.slice(0, at)}
      <wbr />
      {address.slice(at)}
    </>
  );
}
