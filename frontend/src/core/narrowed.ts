import { isNumeric, isObject, sameJson, toNumber, type Json, type JsonObject } from "./json";
import { Problem } from "./source";
import { simpleFilter } from "./simple_filter";

/** What of an answer that holds everything was asked for, as the server would have chosen. */
export function narrowed(url: URL, answer: JsonObject): JsonObject {
  const query = url.searchParams;
  const ids = query.get("ids")?.split(",");
  const { rows, curves, console, metrics, compare } = answer;
  if (isObject(rows)) return { ...answer, rows: narrowedRows(query, rows) };
  if (Array.isArray(curves) && ids) {
    return { ...answer, curves: curves.filter((curve) => isObject(curve) && ids.includes(String(curve.id))) };
  }
  if (isObject(metrics) && ids) return { ...answer, metrics: narrowedMetrics(ids, metrics) };
  if (isObject(compare) && ids) return { ...answer, compare: narrowedComparison(ids, compare) };
  if (isObject(console)) return { ...answer, console: narrowedLines(query, console) };
  return answer;
}

function narrowedRows(query: URLSearchParams, rows: JsonObject): JsonObject {
  if (query.get("groupby")) {
    throw new Problem("An exported page does not group its rows.", "'meticulous ui' and 'meticulous stats' do.");
  }
  const columns = rows.columns as string[];
  const [cells, ids, statuses] = [rows.cells as Json[][], rows.ids as Json[], rows.statuses as Json[]];
  let order = ids.map((_, index) => index);
  const wanted = query.get("ids")?.split(",");
  if (wanted) order = order.filter((index) => wanted.includes(String(ids[index])));
  const filter = (query.get("filter") ?? "").trim();
  if (filter) {
    const matches = simpleFilter(filter, columns);
    order = order.filter((index) => matches(cells[index] ?? [], [ids[index] ?? null, statuses[index] ?? null]));
  }
  for (const key of names(query.get("sort")).reverse()) {
    const column = columns.indexOf(key.replace(/^-/, ""));
    if (column >= 0) order.sort((a, b) => compared(cells[a]?.[column], cells[b]?.[column], key.startsWith("-")));
  }
  const asked = names(query.get("columns"));
  const inGroup = (group: string): string[] => columns.filter((name) => name.startsWith(`${group}.`));
  const usual = Array.isArray(rows.shown) ? (rows.shown as string[]) : columns;
  const shown = asked.length ? asked.flatMap((name) => (columns.includes(name) ? [name] : inGroup(name))) : usual;
  const places = shown.map((name) => columns.indexOf(name));
  const start = Number(query.get("offset") ?? 0);
  const cut = order.slice(start, start + Number(query.get("limit") ?? 200));
  return {
    ...rows,
    matched: order.length,
    offset: start,
    columns: shown,
    ids: cut.map((index) => ids[index] ?? null),
    cells: cut.map((index) => places.map((place) => cells[index]?.[place] ?? null)),
    statuses: cut.map((index) => statuses[index] ?? null),
  };
}

/** The names of a list, as `listed` writes them. */
function names(list: string | null): string[] {
  return [...(list ?? "").matchAll(/(-?)(?:`([^`]*)`|([^,`]+))/g)].map(([, sign, quoted, plain]) => {
    return `${sign}${quoted ?? plain}`;
  });
}

/** What has no value comes last in either direction. */
function compared(a: Json | undefined, b: Json | undefined, isDown: boolean): number {
  const [hasA, hasB] = [a ?? null, b ?? null].map((value) => value !== null);
  if (!hasA || !hasB) return Number(hasB) - Number(hasA);
  const sign = isDown ? -1 : 1;
  if (!isNumeric(a) || !isNumeric(b)) return sign * String(a).localeCompare(String(b));
  const [x, y] = [toNumber(a), toNumber(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return sign * (x - y);
}

function narrowedMetrics(ids: string[], metrics: JsonObject): JsonObject {
  const entries = Object.entries(metrics).map(([name, of]): [string, string[]] => {
    return [name, (of as string[]).filter((id) => ids.includes(id))];
  });
  return Object.fromEntries(entries.filter(([, of]) => of.length > 0));
}

function narrowedComparison(ids: string[], compare: JsonObject): JsonObject {
  const all = compare.experiments as JsonObject[];
  const experiments = ids.flatMap((id) => all.filter(({ expid }) => expid === id));
  if (experiments.length < ids.length) throw new Problem("This exported page does not hold all of these.");
  const sections = Object.entries(compare.sections as Record<string, JsonObject>).map(([name, section]) => {
    const values = (section.values as JsonObject[]).flatMap((line) => narrowedLine(ids, line));
    const pairs = ((section.pairs ?? []) as JsonObject[]).filter(
      ({ from, to }) => ids.includes(String(from)) && ids.includes(String(to)),
    );
    const files = new Set(pairs.flatMap(({ files }) => (files as JsonObject[]).map(({ path }) => path)));
    const differs = values.filter((line) => line.differs).length + files.size;
    const notes = section.notes as Json[];
    const hasAll = section.pairs === undefined || pairs.length >= ids.length - 1;
    const lacking = "Of these, this file does not hold how the code differs; each one's own page shows its code.";
    return [name, { ...section, differs, values, pairs, notes: hasAll ? notes : [...notes, lacking] }] as const;
  });
  const told = sections.flatMap(([name, { differs }]) => (differs ? [`${name} (${differs})`] : []));
  const which = `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
  const verdict = told.length ? `${which} differ in: ${told.join(", ")}` : `${which} do not differ`;
  const isWhole = ids.length === all.length && ids.every((id, place) => all[place]?.expid === id);
  return isWhole ? compare : { ...compare, experiments, verdict, sections: Object.fromEntries(sections) };
}

function narrowedLine(ids: string[], line: JsonObject): JsonObject[] {
  const all = line.values as JsonObject;
  const values = Object.fromEntries(ids.flatMap((id) => (all[id] === undefined ? [] : [[id, all[id]]])));
  const differs = ids.some((id) => !sameJson(all[id], all[ids[0]!]));
  return Object.keys(values).length > 0 ? [{ ...line, values, differs }] : [];
}

function narrowedLines(query: URLSearchParams, console: JsonObject): JsonObject {
  const lines = console.lines as [string, string][][];
  const first = Number(console.start ?? 0);
  const text = (query.get("search") ?? "").toLowerCase();
  const asked = Number(query.get("start") ?? 0);
  if (text) {
    const numbers = lines.flatMap((line, place) => {
      const has = line.map(([part]) => part).join("").toLowerCase().includes(text);
      return has && first + place >= asked ? [first + place] : [];
    });
    return { ...console, numbers, lines: numbers.map((number) => lines[number - first]!), more: false, searched: 1 };
  }
  const start = asked < 0 ? Math.max(first, first + lines.length + asked) : asked;
  const end = start + Number(query.get("count") ?? 2000);
  // Lines before those that are here stand empty, so that each has its number.
  const missing = Array.from({ length: Math.max(0, Math.min(end, first) - start) }, () => []);
  return { ...console, start, lines: [...missing, ...lines.slice(Math.max(0, start - first), Math.max(0, end - first))] };
}
