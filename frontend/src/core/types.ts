import type { Json, JsonObject } from "./json";

/** The server's answers; the names are those of the questions. */
export interface Store {
  root: string;
  title: string;
  count: number;
  version: number;
  read_only: boolean;
  meticulous: string;
  host: string;
}

export interface ColumnFacts {
  name: string;
  group: string;
  key: string;
  kind: "number" | "text" | "bool" | "mixed" | "object";
  differs: boolean;
  distinct: number;
}

export interface StatusFacts {
  status: string;
  message: string;
  age: number | null;
  problems: Json;
}

export interface Rows {
  version: number;
  total: number;
  matched: number;
  offset: number;
  columns: string[];
  ids: (string | string[])[];
  cells: Json[][];
  statuses: (StatusFacts | null)[];
}

export type Main = Record<string, { metric: string; values: Json[] } | null>;
export type MetricIds = Record<string, string[]>;

export interface CurveAnswer {
  id: string;
  x: Json[];
  mean: Json[];
  low: Json[];
  high: Json[];
  odd: [Json, string][];
  sessions: Json[];
  points: number;
  /** It is made of some lines of the file. */
  sketch?: boolean;
}

export interface MetricFacts {
  last?: Json;
  last_step?: Json;
  min?: Json;
  max?: Json;
  count?: number;
  best?: Json;
  best_step?: Json;
}

export interface ExperimentFacts {
  expid: string;
  curexpdir: string;
  status: string;
  status_message: string;
  sha: string | null;
  start_time: string | null;
  duration: number | null;
  description: string | null;
  args: JsonObject;
  default_args: JsonObject;
  summary: JsonObject;
  annotations: JsonObject;
  metadata: JsonObject;
  problems: Json[];
  sessions: JsonObject[];
  metrics: Record<string, MetricFacts>;
  environment: JsonObject;
  recorded_files: JsonObject[];
  files: Record<string, Json>;
  again: string[];
}

/** Pieces of text with the codes that a terminal would colour them by. */
export type Line = [text: string, codes: string][];

export interface Console {
  lines: Line[];
  start: number;
  total: number;
  more: boolean;
  errors: number[];
  /** Of a search: the numbers of the lines, and how much of the file was looked through. */
  numbers?: number[];
  searched?: number;
  /** Of a search that took too long to reach the end: the line to go on from. */
  next?: number | null;
  /** Of a search in an exported page that has only the last lines: how many it has. */
  held?: number | null;
}

export interface FileFacts {
  path: string;
  size: number;
  kind: string;
}

export type Preview = { kind: string; note?: string } & JsonObject;

export interface CodeFile {
  path: string;
  status: string;
  patch: string | null;
}

export interface Code {
  commit: string | null;
  branch: string | null;
  dirty: boolean | null;
  files: CodeFile[];
  commits: Json[];
  note: string | null;
}

export interface CompareValue {
  name: string;
  differs: boolean;
  values: JsonObject;
}

export interface ComparePair {
  from: string;
  to: string;
  same: boolean | null;
  problem: string | null;
  commits: Json;
  files: Json[];
  patch: string | null;
  whole: boolean;
}

export interface CompareSection {
  differs: number;
  values: CompareValue[];
  notes: Json[];
  pairs?: ComparePair[];
}

export interface Compare {
  experiments: JsonObject[];
  verdict: string;
  sections: Record<string, CompareSection>;
}

/** What an exported page says about itself. */
export interface Exported {
  time: string;
  /** Of how many groups of points a curve is at most. */
  points: number;
  /** What was left out for its size, and how many of it. */
  lacking: Record<string, number>;
}

export interface Change {
  version: number;
  count: number;
  changed: string[];
  running: string[];
}
