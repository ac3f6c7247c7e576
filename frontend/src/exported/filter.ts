import type { Json } from "../core/json";
import { Problem } from "../core/source";
import { METHODS, RELATIONS, isTrue, within, type Relation } from "./filter_values";
import type { InlinedTable } from "./table";

/** Whether a row matches. */
export type Matches = (row: number) => boolean;
/** A value of a row; an id is a text that compares with numbers, too. */
interface Operand {
  of(row: number): Json;
  isId: boolean;
}
interface Token {
  kind: (typeof KINDS)[number] | "end";
  text: string;
  at: number;
}

const TOKENS =
  /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|((?:`[^`]+`|[\p{L}_][\p{L}\p{N}_]*)(?:\.(?:`[^`]+`|[\p{L}\p{N}_]+))*)|([=!<>]=|[^\s])/giu;
const KINDS = ["text", "number", "name", "sign"] as const;
const HINT = "An exported page understands comparisons, in, not, and, or, brackets, .isnull(), .contains('x') and the like.";

/** A filter as `meticulous list --filter` has it, as far as an exported page understands it. */
export function filterOf(filter: string, table: InlinedTable): Matches {
  return new Parser(filter, table).whole();
}

class Parser {
  private readonly tokens: Token[];
  private place = 0;

  constructor(
    filter: string,
    private readonly table: InlinedTable,
  ) {
    this.tokens = tokensOf(filter);
  }

  whole(): Matches {
    const matches = this.either();
    if (this.now.kind !== "end") this.fail(this.now);
    return matches;
  }

  private either(): Matches {
    const parts = [this.both()];
    while (this.takes("or")) parts.push(this.both());
    return parts.length === 1 ? parts[0]! : (row) => parts.some((matches) => matches(row));
  }

  private both(): Matches {
    const parts = [this.negation()];
    while (this.takes("and")) parts.push(this.negation());
    return parts.length === 1 ? parts[0]! : (row) => parts.every((matches) => matches(row));
  }

  private negation(): Matches {
    if (!this.takes("not")) return this.comparison();
    const matches = this.negation();
    return (row) => !matches(row);
  }

  private comparison(): Matches {
    if (this.takes("(")) {
      const matches = this.either();
      this.expect(")");
      return matches;
    }
    let left = this.operand();
    const { of } = left;
    const parts: Matches[] = [];
    for (let sign = this.relation(); sign; sign = this.relation()) {
      const [before, after, relation] = [left, this.operand(), sign];
      parts.push((row) => relation(before.of(row), after.of(row), before.isId, after.isId));
      left = after;
    }
    return parts.length > 0 ? (row) => parts.every((matches) => matches(row)) : (row) => isTrue(of(row));
  }

  private relation(): Relation | null {
    for (const [sign, relation] of RELATIONS) if (this.takes(sign)) return relation;
    if (!this.takes("not")) return null;
    this.expect("in");
    return (a, b, isId) => !within(a, b, isId);
  }

  private operand(): Operand {
    const token = this.next();
    const { kind, text } = token;
    if (kind === "text") return constant(text.slice(1, -1).replace(/\\(.)/g, "$1"));
    if (kind === "number") return constant(Number(text));
    if (text === "-" && this.now.kind === "number") return constant(-Number(this.next().text));
    if (text === "[") return this.list("]");
    if (text === "True" || text === "False") return constant(text === "True");
    if (kind !== "name" || /^(and|or|not|in)$/.test(text)) this.fail(token);
    const isCall = this.now.text === "(";
    const end = isCall ? text.lastIndexOf(".") : text.length;
    const operand = this.column(text.slice(0, Math.max(0, end)).replaceAll("`", "").replace(/\.str$/, ""), token);
    return isCall ? this.called(operand, text.slice(end + 1), token) : operand;
  }

  private column(name: string, token: Token): Operand {
    const place = this.table.placeOf(name, `Filter, column ${token.at + 1}, at '${name}'`);
    return { of: (row) => this.table.value(row, place), isId: this.table.isId(place) };
  }

  private called({ of, isId }: Operand, name: string, token: Token): Operand {
    const method = METHODS.get(name) ?? this.fail(token);
    this.expect("(");
    const given = this.list(")");
    return { of: (row) => method(of(row), (given.of(row) as Json[])[0] ?? null, isId), isId: false };
  }

  private list(end: string): Operand {
    const items: Operand[] = [];
    while (!this.takes(end)) {
      if (items.length > 0) this.expect(",");
      items.push(this.operand());
    }
    return { of: (row) => items.map(({ of }) => of(row)), isId: false };
  }

  private get now(): Token {
    return this.tokens[this.place]!;
  }

  private next(): Token {
    const token = this.now;
    if (token.kind !== "end") this.place++;
    return token;
  }

  private takes(text: string): boolean {
    const isIt = this.now.text === text && this.now.kind !== "text";
    if (isIt) this.place++;
    return isIt;
  }

  private expect(text: string): void {
    if (!this.takes(text)) this.fail(this.now);
  }

  private fail({ at, text }: Token): never {
    throw new Problem(`Filter, column ${at + 1}, at '${text}': this is not understood.`, HINT);
  }
}

function tokensOf(filter: string): Token[] {
  const tokens = [...filter.matchAll(TOKENS)].map((match): Token => {
    const kind = KINDS[match.slice(1).findIndex((part) => part !== undefined)]!;
    return { kind, text: match[0], at: match.index };
  });
  return [...tokens, { kind: "end", text: "", at: filter.length }];
}

function constant(value: Json): Operand {
  return { of: () => value, isId: false };
}
