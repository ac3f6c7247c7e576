import { formatDuration, formatMoment, formatValue } from "../core/format";
import { isNumeric, isObject, toNumber, type Json, type JsonObject } from "../core/json";
import { intervalText, shareText } from "./interval";

export type Kind = "status" | "moment" | "duration" | "commit" | "tags" | "text" | "notes" | "curve" | "value";

const KINDS: Record<string, Kind> = {
  status: "status",
  started: "moment",
  start_time: "moment",
  duration: "duration",
  commit: "commit",
  sha: "commit",
  tags: "tags",
  note: "notes",
  notes: "notes",
  name: "text",
  curve: "curve",
};

/** What stands in a column; only facts of the header and annotations have names of their own. */
export function kindOf(name: string): Kind {
  const [group = "", key = ""] = name.includes(".") ? splitName(name) : ["header", name];
  return group === "header" || group === "annotations" ? (KINDS[key] ?? "value") : "value";
}

function splitName(name: string): [string, string] {
  const dot = name.indexOf(".");
  return dot < 0 ? ["", name] : [name.slice(0, dot), name.slice(dot + 1)];
}

const TITLES: Record<string, string> = { start_time: "started", sha: "commit", status_message: "message" };

/** What stands above a column, in large and in small. */
export function titleOf(name: string): { title: string; group: string } {
  const [group, key] = splitName(name);
  return { title: TITLES[name] ?? key, group: group === "annotations" || group === "header" ? "" : group };
}

/** What the annotation is called to which a column belongs; null where nothing can be edited. */
export function annotationOf(name: string): "tags" | "note" | "name" | null {
  const [group, key] = splitName(name);
  if (group !== "" && group !== "annotations" && group !== "header") return null;
  if (key === "notes") return "note";
  return key === "tags" || key === "note" || key === "name" ? key : null;
}

/** What a cell shows; `members` is how many experiments its row stands for. */
export function cellText(name: string, value: Json, members = 1): string {
  if (value === null) return "–";
  const kind = kindOf(name);
  if (isInterval(value)) {
    const mean = kind === "duration" ? formatDuration(toNumber(value.mean)) : intervalText(value);
    return mean + shareText(value, members);
  }
  if (kind === "moment" && typeof value === "string") return formatMoment(value, Date.now());
  if (kind === "duration" && isNumeric(value)) return formatDuration(toNumber(value));
  if (kind === "commit" && typeof value === "string") return value.slice(0, 7);
  if (kind === "notes") return notesOf(value)[0] ?? "–";
  if (Array.isArray(value) && (kind === "tags" || kind === "text")) return value.map(formatValue).join(", ");
  return formatValue(value);
}

export function isInterval(value: Json): value is JsonObject {
  return isObject(value) && "mean" in value;
}

export function cellTitle(name: string, value: Json): string {
  if (value === null) return `${name}: no value`;
  if (isInterval(value)) {
    const { mean, std, low, high, count } = value;
    return `${name}: mean ${formatValue(mean)}, 95 % interval ${formatValue(low)} to ${formatValue(high)}, deviation ${formatValue(std)}, of ${formatValue(count)}`;
  }
  if (kindOf(name) === "notes") return notesOf(value).join("\n");
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function tagsOf(value: Json): string[] {
  if (Array.isArray(value)) return value.filter((tag) => typeof tag === "string");
  return typeof value === "string" ? value.split(/[\s,]+/).filter(Boolean) : [];
}

/** The texts of notes, the newest first. */
export function notesOf(value: Json): string[] {
  const notes = Array.isArray(value) ? value : value === null ? [] : [value];
  return notes.map((note) => formatValue(isObject(note) && "text" in note ? note.text : note)).reverse();
}
