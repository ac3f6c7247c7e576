import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { parseMarkdown, type Block, type Span } from "./markdown_blocks";

export function Markdown({ text }: { text: string }): JSX.Element {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  return (
    <div class="markdown">
      {blocks.map((block, index) => (
        <BlockOf key={index} block={block} />
      ))}
    </div>
  );
}

function BlockOf({ block }: { block: Block }): JSX.Element {
  switch (block.kind) {
    case "heading":
      // Below the headings of the page, whatever the file thinks of itself.
      return block.level <= 2 ? <h3>{spans(block.spans)}</h3> : <h4>{spans(block.spans)}</h4>;
    case "paragraph":
      return <p>{spans(block.spans)}</p>;
    case "quote":
      return <blockquote>{spans(block.spans)}</blockquote>;
    case "code":
      return <pre>{block.text}</pre>;
    case "rule":
      return <hr />;
    case "list": {
      const items = block.items.map((item, index) => <li key={index}>{spans(item)}</li>);
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function spans(list: readonly Span[]): JSX.Element[] {
  return list.map(({ kind, text }, index) => {
    if (kind === "strong") return <strong key={index}>{text}</strong>;
    if (kind === "em") return <em key={index}>{text}</em>;
    if (kind === "code") return <code key={index}>{text}</code>;
    return <span key={index}>{text}</span>;
  });
}
