import { isObject, type Json, type JsonObject } from "../core/json";
import { Problem, type Source } from "../core/source";
import { comparisonOf } from "./comparison";
import { linesOf } from "./console";
import { paperOf } from "./paper";
import { matching, rowsOf } from "./rows";
import { InlinedTable } from "./table";

/**
 * Only these parameters choose between inlined answers; all others (ids, order, window, lines) are
 * carried out here, on the one answer that holds everything.
 */
const CHOOSING = new Set(["metric", "x", "path", "against", "stream"]);

/** As the server's api.py has it. */
const MOST_COMPARED = 20;

/** The answers that an exported page holds, and what can be computed of them. */
export class InlinedSource implements Source {
  readonly isLive = false;
  private readonly responses: Map<string, Json>;
  private table: InlinedTable | null = null;

  constructor(text: string) {
    const { responses } = JSON.parse(text || "{}") as JsonObject;
    this.responses = new Map(isObject(responses) ? Object.entries(responses) : []);
  }

  ask(question: string): Promise<JsonObject> {
    const url = new URL(question, "http://page");
    return new Promise((resolve) => resolve(this.answer(url)));
  }

  tell(): Promise<JsonObject> {
    return Promise.reject(new Problem("An exported page cannot be changed."));
  }

  address(question: string): string | null {
    const found = this.responses.get(keyOf(new URL(question, "http://page")));
    return typeof found === "string" ? found : null;
  }

  private answer(url: URL): JsonObject {
    const query = url.searchParams;
    if (url.pathname === "/api/rows") return { rows: rowsOf(this.rows(), query) };
    // These facts are of all rows, but a wrong filter is told wherever one can be written.
    if (url.pathname === "/api/columns") matching(this.rows(), query.get("filter") ?? "");
    if (url.pathname === "/api/table") return { table: paperOf(this.rows(), this.columns(), query) };
    if (url.pathname.endsWith("/code") && query.get("against") === "head") return { code: this.codeSince(url) };
    if (url.pathname === "/api/compare") this.mustBeCompared();
    return narrowed(this.found(keyOf(url)), query);
  }

  private mustBeCompared(): void {
    const { length } = this.rows().ids;
    if (this.responses.has("/api/compare") || length <= MOST_COMPARED) return;
    const problem = `Only a file of at most ${MOST_COMPARED} experiments can compare them; this one has ${length}.`;
    throw new Problem(problem, "Export fewer of them; 'meticulous ui' compares any.");
  }

  private found(key: string): JsonObject {
    const found = this.responses.get(key);
    if (isObject(found)) return found;
    const hint = "It was not put into this file; 'meticulous ui' shows everything.";
    throw new Problem("This exported page does not have that.", hint, 404);
  }

  private rows(): InlinedTable {
    this.table ??= new InlinedTable(this.found("/api/rows").rows as JsonObject);
    return this.table;
  }

  private columns(): JsonObject[] {
    return this.found("/api/columns").columns as JsonObject[];
  }

  /** How code differs from HEAD is in the file once for each commit, however many ran it. */
  private codeSince(url: URL): JsonObject {
    const code = this.found(`${url.pathname}?against=base`).code as JsonObject;
    const own = { ...code, against: "head", files: [], commits: [] };
    if (!code.commit) return own;
    return { ...own, ...(this.found(`since/${String(code.commit)}`).code as JsonObject) };
  }
}

/** The key of an inlined answer: the path, and the choosing parameters in alphabetical order. */
export function keyOf(url: URL): string {
  const chosen = [...url.searchParams].filter(([name, value]) => CHOOSING.has(name) && value !== "");
  chosen.sort(([a], [b]) => (a < b ? -1 : 1));
  const query = chosen.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return url.pathname + (query ? `?${query}` : "");
}

/** What of an answer was asked for. */
function narrowed(answer: JsonObject, query: URLSearchParams): JsonObject {
  const { curves, console, metrics, compare } = answer;
  if (isObject(console)) return { console: linesOf(console, query) };
  const ids = query.get("ids")?.split(",");
  if (!ids) return answer;
  if (Array.isArray(curves)) return { curves: curves.filter((curve) => isObject(curve) && ids.includes(String(curve.id))) };
  if (isObject(metrics)) return { metrics: metricsOf(metrics, ids) };
  return isObject(compare) ? { compare: comparisonOf(ids, compare) } : answer;
}

function metricsOf(metrics: JsonObject, ids: readonly string[]): JsonObject {
  const entries = Object.entries(metrics).map(([name, of]): [string, string[]] => {
    return [name, (of as string[]).filter((id) => ids.includes(id))];
  });
  return Object.fromEntries(entries.filter(([, of]) => of.length > 0));
}
