/** The server's hints name commands; the page has something nearer for some of them. */
const NEARER = new Map([["'meticulous list --list_columns' shows the names.", "Columns (C) of the table shows the names."]]);

export function hintOnPage(hint: string): string {
  return NEARER.get(hint) ?? hint;
}
