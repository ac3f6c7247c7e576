import { useLayoutEffect, useState } from "preact/hooks";
import { InlinedSource } from "../exported/source";
import type { Json, JsonObject } from "./json";
import { Problem, type Source } from "./source";
import { NetworkSource } from "./source_network";

/** Each of the two builds of vite.config.ts has only one of these in it. */
export const source: Source =
  import.meta.env.MODE === "export"
    ? new InlinedSource(document.getElementById("data")?.textContent ?? "")
    : new NetworkSource();

/** The address of a question; what is empty is left out. */
export function question(path: string, parameters: Record<string, string | number | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const written = query.toString();
  return `/api/${path}${written ? `?${written}` : ""}`;
}

/** Names as one parameter; backticks keep a name together that has a comma. */
export function listed(names: readonly string[]): string {
  return names.map((name) => (name.includes(",") ? name.replace(/^(-?)(.*)$/s, "$1`$2`") : name)).join(",");
}

export function experimentPath(id: string, rest = ""): string {
  return `experiments/${encodeURIComponent(id)}${rest && `/${rest}`}`;
}

/** Ask; the answer has one name besides "schema", and the type is the server's promise. */
export async function ask<T>(asked: string, name: string, signal?: AbortSignal): Promise<T> {
  const answer = await source.ask(asked, signal);
  if (!(name in answer)) throw new Problem(`The server's answer has no '${name}'.`);
  return answer[name] as T;
}

export async function annotate(id: string, action: string, value: Json): Promise<JsonObject> {
  return source.tell(question(experimentPath(id, "annotations")), { action, value });
}

export interface Answer<T> {
  value: T | null;
  /** The question that the value answers. */
  of: string | null;
  problem: Problem | null;
  /** True when the answer takes so long that people should be told. */
  isSlow: boolean;
}

const NOTHING = { value: null, of: null, problem: null, isSlow: false };

/** Milliseconds after which people are told what they wait for. */
export const SLOW = 300;

/**
 * Ask whenever the question or `version` changes; the last answer stays until the next one is there,
 * so that nothing flickers. Give a component a `key` to forget.
 */
export function useAnswer<T>(asked: string | null, name: string, version = 0): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>(NOTHING);
  // Before what is there is drawn, so that the server works meanwhile.
  useLayoutEffect(() => {
    if (asked === null) return setAnswer(NOTHING);
    const stop = new AbortController();
    const slow = setTimeout(() => setAnswer((last) => ({ ...last, isSlow: true })), SLOW);
    ask<T>(asked, name, stop.signal)
      .then((value) => setAnswer({ value, of: asked, problem: null, isSlow: false }))
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        setAnswer((last) => ({ ...last, problem: asProblem(error), isSlow: false }));
      })
      .finally(() => clearTimeout(slow));
    return () => {
      stop.abort();
      clearTimeout(slow);
    };
  }, [asked, name, version]);
  return answer;
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(error instanceof Error ? error.message : String(error));
}
