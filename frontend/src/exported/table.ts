import { isNumeric, isObject, toNumber, type Json, type JsonObject } from "../core/json";
import { Problem } from "../core/source";
import { hintFor } from "./names";
import { identityOf, keyOf, type Key } from "./values";

const SHORT = new Map([
  ["id", "expid"],
  ["started", "start_time"],
  ["begin_time", "start_time"],
  ["commit", "sha"],
  ["message", "status_message"],
]);
const ANNOTATIONS = new Map([
  ["name", "annotations.name"],
  ["tags", "annotations.tags"],
  ["notes", "annotations.notes"],
  ["note", "annotations.notes"],
]);

/** A name as it would be written where only letters, digits and _ can be. */
function plain(name: string): string {
  return name.replace(/[^\p{L}\p{N}_]/gu, "_");
}

/** All rows that an exported page holds, with what can be asked of them; a row is its place. */
export class InlinedTable {
  readonly columns: string[];
  readonly ids: string[];
  readonly statuses: Json[];
  /** The columns that are shown when none are asked for. */
  readonly usual: string[];
  private readonly cells: Json[][];
  /** By column the rows in which null is a value, and not nothing; true for all. */
  private readonly nulls: ReadonlyMap<number, ReadonlySet<number> | true>;

  constructor(readonly answer: JsonObject) {
    this.columns = answer.columns as string[];
    this.ids = answer.ids as string[];
    this.statuses = answer.statuses as Json[];
    this.cells = answer.cells as Json[][];
    this.usual = Array.isArray(answer.shown) ? (answer.shown as string[]) : this.columns;
    const nulls = isObject(answer.nulls) ? Object.entries(answer.nulls) : [];
    this.nulls = new Map(
      nulls.map(([name, rows]) => [this.columns.indexOf(name), rows === true || new Set(rows as number[])]),
    );
  }

  /** All rows as the store has them: the answer has the newest first. */
  get rows(): number[] {
    return this.ids.map((_, place) => this.ids.length - 1 - place);
  }

  value(row: number, place: number): Json {
    return this.cells[row]?.[place] ?? null;
  }

  /** How an experiment ended, as the word of the record. */
  status(row: number): string {
    const facts = this.statuses[row];
    return isObject(facts) ? String(facts.status) : "";
  }

  isId(place: number): boolean {
    return this.columns[place] === "expid";
  }

  /** What tells two values of a column apart: null and nothing are two. */
  identity(row: number, place: number): string {
    const value = this.value(row, place);
    if (value !== null) return identityOf(value);
    const nulls = this.nulls.get(place);
    return nulls === true || nulls?.has(row) ? "null" : "";
  }

  /** Refuse to tell the values of columns apart where this page has them less exactly than the record. */
  mustBeExact(places: readonly number[]): void {
    const isTooLarge = (value: Json): boolean => Number.isInteger(value) && !Number.isSafeInteger(value);
    const place = places.find((of) => this.rows.some((row) => isTooLarge(this.value(row, of))));
    if (place === undefined) return;
    const problem = `An exported page cannot tell numbers as large as those of ${this.columns[place]} apart.`;
    throw new Problem(problem, "'meticulous ui' can.");
  }

  key(row: number, place: number): Key | null {
    const value = this.value(row, place);
    return this.isId(place) && /^\d+$/.test(String(value)) ? [0, Number(value)] : keyOf(value);
  }

  /** A value as a finite number, if it is one. */
  number(row: number, place: number): number | null {
    const value = this.value(row, place);
    if (typeof value === "boolean") return Number(value);
    const number = toNumber(value);
    return isNumeric(value) && Number.isFinite(number) ? number : null;
  }

  /**
   * The column that a name means: of short names the fact about the experiment first.
   *
   * What is wrong with others is told of the `option` that names them.
   */
  place(word: string, option: string): number {
    const name = SHORT.get(word) ?? ANNOTATIONS.get(word) ?? word;
    const place = this.columns.indexOf(name);
    return place >= 0 ? place : this.placeOf(word, option);
  }

  /** The column that a name means in an expression. */
  placeOf(word: string, option: string): number {
    const places = this.placesOf(word);
    if (places.length === 1) return places[0]!;
    if (places.length === 0) {
      const hint = hintFor(word, this.columns);
      throw new Problem(`${option}: There is no '${word}' in this file.`, hint);
    }
    const names = places.map((found) => `'${this.columns[found]}'`).join(" or ");
    throw new Problem(`${option}: '${word}' can mean ${names}.`, "Write the one that you mean.");
  }

  private placesOf(word: string): number[] {
    const short = SHORT.get(word) ?? word;
    const wanted = plain(short);
    const named = (of: (name: string) => string): number[] => {
      return this.columns.flatMap((name, place) => (plain(of(name)) === wanted ? [place] : []));
    };
    const whole = named((name) => (name.includes(".") ? name : ""));
    if (whole.length > 0) return whole;
    const found = named((name) => name.slice(name.indexOf(".") + 1)).filter((place) => {
      // A fact stands in the table under its short name, too, where an arg has that name.
      return !this.columns.includes(`header.${this.columns[place]}`);
    });
    // The columns of annotations are there before there is any.
    const used = found.filter((place) => this.rows.some((row) => this.value(row, place) !== null));
    return used.length > 0 ? used : found;
  }
}
