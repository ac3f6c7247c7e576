import type { JSX } from "preact";
import { formatDuration, formatMoment, formatValue, fullValue } from "../core/format";
import { isNumeric, isObject, sameJson, toNumber, type Json, type JsonObject } from "../core/json";
import { openExperiment } from "../core/state";
import type { ComparePair, CompareSection } from "../core/types";
import { Patch } from "../experiment/patch";
import { statusClass } from "../table/cell";

export function CompareHead({ experiments }: { experiments: JsonObject[] }): JSX.Element {
  return (
    <div class="wide" tabIndex={0} role="group" aria-label="Experiments">
      <table class="values side-by-side">
        <thead>
          <tr>
            <td />
            {experiments.map(({ expid }) => (
              <th key={String(expid)} scope="col">
                <button type="button" class="link" onClick={() => openExperiment(String(expid))}>
                  {String(expid)}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <HeadRow name="status" experiments={experiments} />
          <HeadRow name="start_time" experiments={experiments} />
          <HeadRow name="duration" experiments={experiments} />
          <HeadRow name="description" experiments={experiments} />
        </tbody>
      </table>
    </div>
  );
}

function HeadRow({ name, experiments }: { name: string; experiments: JsonObject[] }): JSX.Element | null {
  if (experiments.every((experiment) => !experiment[name])) return null;
  return (
    <tr>
      <th scope="row">{name.replace("_time", "ed")}</th>
      {experiments.map((experiment) => (
        <td key={String(experiment.expid)} title={fullValue(experiment[name])}>
          {headCell(name, experiment[name])}
        </td>
      ))}
    </tr>
  );
}

function headCell(name: string, value: Json | undefined): JSX.Element | string {
  if (name === "status") {
    return (
      <span class={`status status-${statusClass(String(value))}`}>
        <i aria-hidden="true" />
        {String(value)}
      </span>
    );
  }
  if (name === "duration" && isNumeric(value)) return formatDuration(toNumber(value));
  if (name === "start_time" && typeof value === "string") return formatMoment(value, Date.now());
  return formatValue(value);
}

interface Props {
  name: string;
  section: CompareSection;
  ids: string[];
  isAll: boolean;
}

export function Section({ name, section, ids, isAll }: Props): JSX.Element | null {
  const values = section.values.filter(({ differs }) => differs || isAll);
  const pairs = section.pairs ?? [];
  if (values.length === 0 && pairs.length === 0 && section.notes.length === 0) return null;
  return (
    <section class="card">
      <h2>
        {name} <small>{section.differs > 0 && `${section.differs} differ${section.differs === 1 ? "s" : ""}`}</small>
      </h2>
      {section.notes.map((note, index) => (
        <p key={index} class="hint">
          {formatValue(note)}
        </p>
      ))}
      {values.length > 0 && (
        <div class="wide" tabIndex={0} role="group" aria-label={name}>
          <table class="values side-by-side">
            <thead>
              <tr>
                <td />
                {ids.map((id) => (
                  <th key={id} scope="col">
                    {id}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {values.map((row) => (
                <tr key={row.name} class={row.differs ? "differs" : ""}>
                  <th scope="row">{row.name}</th>
                  {ids.map((id) => (
                    <ValueCell key={id} value={row.values[id]} first={row.values[ids[0]!]} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pairs.map((pair) => (
        <Pair key={`${pair.from}-${pair.to}`} pair={pair} />
      ))}
    </section>
  );
}

/** A value; what is not as in the first experiment stands out. */
function ValueCell({ value, first }: { value: Json | undefined; first: Json | undefined }): JSX.Element {
  const text = value === undefined ? "–" : isObject(value) ? entriesText(value) : formatValue(value);
  const classes = [isNumeric(value) ? "number" : "", sameJson(value, first) ? "" : "other"];
  return (
    <td class={classes.join(" ").trim()} title={fullValue(value)}>
      {text}
    </td>
  );
}

function entriesText(value: JsonObject): string {
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${formatValue(inner)}`)
    .join(", ");
}

function Pair({ pair }: { pair: ComparePair }): JSX.Element {
  const verdict = pair.problem || (pair.same ? "the same code" : pair.patch ? "" : "the code differs");
  return (
    <div class="pair">
      <h3>
        {pair.from} → {pair.to} <small>{verdict}</small>
      </h3>
      {pair.patch && <Patch patch={pair.patch} />}
      {pair.patch && !pair.whole && <p class="hint">The patch was cut: it is too long for this page.</p>}
    </div>
  );
}
