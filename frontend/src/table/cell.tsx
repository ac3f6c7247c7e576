import type { JSX } from "preact";
import { formatDuration } from "../core/format";
import { isNumeric, type Json } from "../core/json";
import type { StatusFacts } from "../core/types";
import { Sparkline } from "../parts/sparkline";
import { cellText, cellTitle, isInterval, kindOf, tagsOf } from "./kinds";
import { mainOf } from "./main_metric";
import type { Row } from "./rows_answer";

export function Cell({ name, row }: { name: string; row: Row }): JSX.Element {
  const value = row.at(name);
  const kind = kindOf(name);
  if (kind === "status" && row.status) return <Status facts={row.status} />;
  if (kind === "curve") return <Curve id={row.id} />;
  if (kind === "tags") return <Tags tags={tagsOf(value)} />;
  return (
    <span class={classOf(value)} title={cellTitle(name, value)}>
      {cellText(name, value, row.ids.length)}
    </span>
  );
}

function classOf(value: Json): string {
  if (value === null) return "absent";
  if (isNumeric(value) || isInterval(value)) return typeof value === "string" ? "number odd" : "number";
  return typeof value === "boolean" ? "word" : "";
}

function Status({ facts }: { facts: StatusFacts }): JSX.Element {
  const { status, message, age } = facts;
  const reason = [message, age === null ? "" : `${formatDuration(age)} ago`, problemText(facts.problems)];
  return (
    <span class={`status status-${statusClass(status)}`} title={[status, ...reason].filter(Boolean).join("\n")}>
      <i aria-hidden="true" />
      {status}
      {age !== null && <small> {formatDuration(age)}</small>}
      {message && <small> {message}</small>}
      {problemText(facts.problems) && <b aria-label="The record is broken in parts"> !</b>}
    </span>
  );
}

export function statusClass(status: string): string {
  return /^[A-Z]+$/.test(status) ? status.toLowerCase() : "other";
}

function problemText(problems: Json): string {
  if (Array.isArray(problems)) return problems.map(String).join("\n");
  return typeof problems === "string" ? problems : "";
}

function Tags({ tags }: { tags: string[] }): JSX.Element {
  return (
    <span class="tags" title={tags.join(", ")}>
      {tags.map((tag) => (
        <span class="tag" key={tag}>
          {tag}
        </span>
      ))}
    </span>
  );
}

function Curve({ id }: { id: string }): JSX.Element | null {
  const main = mainOf(id);
  if (!main?.values.length) return null;
  return <Sparkline values={main.values} title={`${main.metric} of ${id}`} />;
}
