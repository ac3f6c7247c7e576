export interface MarkdownCell {
  text: string;
  isBold: boolean;
}

const SIGNS: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** The cells of a Markdown table as they would be shown, without the line below the head. */
export function tableRows(text: string): MarkdownCell[][] {
  const lines = text.split("\n").filter((line) => line.trim().startsWith("|"));
  return lines
    .filter((line) => !/^\s*\|[\s:|-]+\|\s*$/.test(line))
    .map((line) => {
      const inner = line.trim().replace(/^\||\|$/g, "");
      return inner.match(/(?:\\.|[^|\\])+/g)?.map((cell) => cellOf(cell.trim())) ?? [];
    });
}

function cellOf(written: string): MarkdownCell {
  const bold = /^\*\*(.*)\*\*$/s.exec(written)?.[1];
  const text = (bold ?? written).replace(/\\(.)/g, "$1").replace(/&(lt|gt|amp);/g, (sign) => SIGNS[sign]!);
  return { text, isBold: bold !== undefined };
}

/** What stands below the table: what its numbers are. */
export function captionOf(text: string): string {
  return text.split("\n\n")[1]?.trim() ?? "";
}
