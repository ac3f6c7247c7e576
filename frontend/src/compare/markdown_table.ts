/** The cells of a Markdown table, without the line below the head. */
export function tableRows(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.trim().startsWith("|"));
  return lines
    .filter((line) => !/^\s*\|[\s:|-]+\|\s*$/.test(line))
    .map((line) => {
      const inner = line.trim().replace(/^\||\|$/g, "");
      return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    });
}
