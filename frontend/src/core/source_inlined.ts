import { isObject, type JsonObject } from "./json";
import { narrowed } from "./narrowed";
import { Problem, type Source } from "./source";

/**
 * Only these parameters choose between inlined answers; all others (ids, order, window, lines) are
 * carried out here, on the one answer that holds everything.
 */
const CHOOSING = new Set(["metric", "x", "path", "against", "rows", "cols", "cell", "stream"]);

export class InlinedSource implements Source {
  readonly isLive = false;
  private readonly responses: JsonObject;

  constructor(text: string) {
    const data = JSON.parse(text) as JsonObject;
    this.responses = isObject(data.responses) ? data.responses : {};
  }

  ask(question: string): Promise<JsonObject> {
    const url = new URL(question, "http://page");
    const found = this.responses[question] ?? this.responses[keyOf(url)];
    if (!isObject(found)) {
      const hint = "It was not put into this file; 'meticulous ui' shows everything.";
      return Promise.reject(new Problem("This exported page does not have that.", hint, 404));
    }
    return new Promise((resolve) => resolve(narrowed(url, found)));
  }

  tell(): Promise<JsonObject> {
    return Promise.reject(new Problem("An exported page cannot be changed."));
  }

  address(question: string): string | null {
    const found = this.responses[keyOf(new URL(question, "http://page"))];
    return typeof found === "string" ? found : null;
  }
}

/** The key of an inlined answer: the path, and the choosing parameters in alphabetical order. */
export function keyOf(url: URL): string {
  const chosen = [...url.searchParams].filter(([name, value]) => CHOOSING.has(name) && value !== "");
  chosen.sort(([a], [b]) => (a < b ? -1 : 1));
  const query = chosen.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return url.pathname + (query ? `?${query}` : "");
}
