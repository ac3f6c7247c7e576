/**
 * Rows of a long list in windows that are fetched when they are looked at.
 *
 * Whether the query or the version changes: what is there is shown until the first answer to the new
 * query, or until each window's new version, so that nothing flickers.
 */
export class Windows<Row> {
  private readonly windows = new Map<number, { rows: Row[]; version: number }>();
  private readonly asked = new Set<number>();
  private query = "";
  private version = 0;
  /** Answers to what was asked before this number rose come too late. */
  private turn = 0;
  private isOfBefore = false;

  constructor(
    readonly size: number,
    private readonly kept: number,
  ) {}

  /** Begin a query or a version; false if it has already begun. */
  begin(query: string, version: number): boolean {
    if (query === this.query && version === this.version) return false;
    if (query !== this.query) this.isOfBefore = true;
    this.asked.clear();
    this.turn++;
    this.query = query;
    this.version = version;
    return true;
  }

  isOf(query: string): boolean {
    return query === this.query;
  }

  /** Whether rows `first` to `last` are here, of this query and version. */
  has(first: number, last: number): boolean {
    return this.places(first, last).every((place) => this.isHere(place));
  }

  row(index: number): Row | undefined {
    return this.windows.get(Math.floor(index / this.size))?.rows[index % this.size];
  }

  /** The windows that rows `first` to `last` need and that are not here, or of an earlier version. */
  missing(first: number, last: number): number[] {
    return this.places(first, last).filter((place) => !this.isHere(place) && !this.asked.has(place));
  }

  /**
   * Note that a window is asked for; gives what `put` wants back. If no answer comes, it is asked for
   * again with the next query or version, not before: what was refused once would be again.
   */
  ask(place: number): number {
    this.asked.add(place);
    return this.turn;
  }

  /** Keep a window; false when it comes too late. */
  put(place: number, turn: number, rows: Row[]): boolean {
    if (turn !== this.turn) return false;
    this.asked.delete(place);
    if (this.isOfBefore) this.windows.clear();
    this.isOfBefore = false;
    this.windows.set(place, { rows, version: this.version });
    this.forgetFarFrom(place);
    return true;
  }

  /** All rows that are here, with their places; those of the newest version first, since rows move. */
  *all(): Generator<[number, Row]> {
    const newestFirst = [...this.windows].sort(([, a], [, b]) => b.version - a.version);
    for (const [place, { rows }] of newestFirst) {
      for (let index = 0; index < rows.length; index++) yield [place * this.size + index, rows[index]!];
    }
  }

  private places(first: number, last: number): number[] {
    const [from, to] = [Math.floor(first / this.size), Math.floor(last / this.size)];
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, step) => from + step);
  }

  private isHere(place: number): boolean {
    return !this.isOfBefore && this.windows.get(place)?.version === this.version;
  }

  private forgetFarFrom(place: number): void {
    while (this.windows.size > this.kept) {
      const farthest = [...this.windows.keys()].reduce((a, b) => (Math.abs(a - place) > Math.abs(b - place) ? a : b));
      this.windows.delete(farthest);
    }
  }
}
