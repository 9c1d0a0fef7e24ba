/** The mark of Bulkhead: a hull section with two compartments and the door between them. Original work of this project. */

/** Mark draws the mark; it is decoration beside the name, hence hidden from screen readers. */
export function Mark({ size = 28 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path fill="#155f77" d="M9 2h14a7 7 0 0 1 7 7v14a7 7 0 0 1-7 7H9a7 7 0 0 1-7-7V9a7 7 0 0 1 7-7Z" />
      <path fill="#b1d7e3" d="M11 7.5h4.2v17H11A4.5 4.5 0 0 1 6.5 20v-8A4.5 4.5 0 0 1 11 7.5Z" />
      <path fill="#fff" d="M16.8 7.5H21a4.5 4.5 0 0 1 4.5 4.5v2.9h-8.7Zm0 9h8.7V20a4.5 4.5 0 0 1-4.5 4.5h-4.2Z" />
      <circle cx="12.9" cy="16" r="1.3" fill="#155f77" />
    </svg>
  );
}
