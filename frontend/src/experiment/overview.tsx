import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { question, useAnswer } from "../core/api";
import { formatDuration, formatMoment, formatNumber, formatSize, formatValue, fullValue } from "../core/format";
import { flatten, isNumeric, sameJson, toNumber, type Json, type JsonObject } from "../core/json";
import { changes } from "../core/state";
import type { CurveAnswer, ExperimentFacts, MetricFacts } from "../core/types";
import { CopyButton } from "../parts/copy";
import { Sparkline } from "../parts/sparkline";
import { notesOf } from "../table/kinds";
import { hasFailed } from "./failed";
import { Recorded } from "./recorded";
import { Traceback } from "./traceback";

interface Props {
  facts: ExperimentFacts;
  onMetric: (pattern: string) => void;
}

export function Overview({ facts, onMetric }: Props): JSX.Element {
  return (
    <div class="overview">
      {hasFailed(facts.status) && <Traceback id={facts.expid} message={facts.status_message} />}
      <Card title="Facts">
        <Facts facts={facts} />
      </Card>
      <Args args={facts.args} defaults={facts.default_args} />
      {Object.keys(facts.summary).length > 0 && (
        <Card title="Summary">
          <Values values={flatten(facts.summary)} />
        </Card>
      )}
      {Object.keys(facts.metrics).length > 0 && <Metrics facts={facts} onMetric={onMetric} />}
      {facts.recorded_files.length > 0 && (
        <Card title="Inputs and outputs" isWide>
          <Recorded files={facts.recorded_files} />
        </Card>
      )}
      {facts.again.length > 0 && <Again id={facts.expid} lines={facts.again} />}
    </div>
  );
}

interface CardProps {
  title: string;
  isWide?: boolean;
  children: ComponentChildren;
}

export function Card({ title, isWide = false, children }: CardProps): JSX.Element {
  return (
    // With the focus, keys scroll what is too wide for a phone.
    <section class={isWide ? "card wide-card" : "card"} tabIndex={0} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: ExperimentFacts }): JSX.Element {
  const { annotations, metadata } = facts;
  const command = metadata.command;
  const size = Object.values(facts.files).reduce((sum: number, bytes) => sum + (isNumeric(bytes) ? toNumber(bytes) : 0), 0);
  const rows: [string, ComponentChildren, string?][] = [
    ["started", facts.start_time && formatMoment(facts.start_time, Date.now()), facts.start_time ?? ""],
    ["duration", facts.duration === null ? null : formatDuration(facts.duration)],
    ["command", Array.isArray(command) ? command.map(String).join(" ") : null],
    ["commit", facts.sha?.slice(0, 10), facts.sha ?? ""],
    ["sessions", facts.sessions.length > 1 ? facts.sessions.length : null],
    ["folder", facts.curexpdir],
    ["files", `${Object.keys(facts.files).length} with ${formatSize(size)}`],
    ...Object.entries(annotations)
      .filter(([name]) => name !== "history")
      .map(([name, value]): [string, ComponentChildren] => [name, annotationText(name, value)]),
    ["broken", facts.problems.length ? facts.problems.map(fullValue).join("\n") : null],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value, title]) =>
        value === null || value === undefined || value === "" ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={title}>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function annotationText(name: string, value: Json): string {
  if (name === "notes") return notesOf(value).join("\n");
  return Array.isArray(value) ? value.map(formatValue).join(", ") : formatValue(value);
}

export function Values({ values }: { values: [string, Json][] }): JSX.Element {
  return (
    <table class="values">
      <tbody>
        {values.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class={isNumeric(value) ? "number" : ""} title={fullValue(value)}>
              {formatValue(value)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Args({ args, defaults }: { args: JsonObject; defaults: JsonObject }): JSX.Element | null {
  const [isAll, setAll] = useState(false);
  const usual = new Map(flatten(defaults));
  const all = flatten(args);
  if (all.length === 0) return null;
  const isOther = ([name, value]: [string, Json]): boolean => !usual.has(name) || !sameJson(usual.get(name), value);
  const other = all.filter(isOther);
  const shown = isAll ? [...other, ...all.filter((arg) => !isOther(arg))] : other;
  return (
    <Card title="Args">
      {other.length === 0 && <p>All {all.length} are the defaults.</p>}
      {shown.length > 0 && (
        <table class="values">
          <thead>
            <tr>
              <th scope="col">name</th>
              <th scope="col">value</th>
              <th scope="col">default</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(([name, value]) => (
              <tr key={name} class={isOther([name, value]) ? "differs" : ""}>
                <th scope="row">{name}</th>
                <td title={fullValue(value)}>{formatValue(value)}</td>
                <td class="faint">{usual.has(name) ? formatValue(usual.get(name)) : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {other.length < all.length && (
        <button type="button" onClick={() => setAll(!isAll)}>
          {isAll ? "Only those that are not the default" : `Also the ${all.length - other.length} that are the default`}
        </button>
      )}
    </Card>
  );
}

function Metrics({ facts, onMetric }: Props): JSX.Element {
  const columns = ["last", "best", "min", "max", "count"] as const;
  const title = (name: string, { best_step, min_step, max_step }: MetricFacts & JsonObject): string =>
    `${name}: best at step ${formatValue(best_step)}, smallest at ${formatValue(min_step)}, largest at ${formatValue(max_step)}`;
  return (
    <Card title="Metrics" isWide>
      <table class="values">
        <thead>
          <tr>
            <th scope="col">name</th>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
            <th scope="col">curve</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(facts.metrics).map(([name, metric], index) => (
            <tr key={name} title={title(name, metric as MetricFacts & JsonObject)}>
              <th scope="row">
                <button type="button" class="link" onClick={() => onMetric(`^${escapeExpression(name)}$`)}>
                  {name}
                </button>
              </th>
              {columns.map((column) => (
                <td key={column} class="number">
                  {isNumeric(metric[column]) ? formatNumber(toNumber(metric[column])) : ""}
                </td>
              ))}
              <td>{index < WITH_CURVE && <SmallCurve id={facts.expid} metric={name} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

/** Each is a question of its own: for the first ones only, if there are hundreds. */
const WITH_CURVE = 30;

function SmallCurve({ id, metric }: { id: string; metric: string }): JSX.Element | null {
  const asked = question("curves", { ids: id, metric, x: "step", points: 25 });
  const { value } = useAnswer<CurveAnswer[]>(asked, "curves", changes.value.get(id) ?? 0);
  const means = value?.[0]?.mean;
  return means ? <Sparkline values={means} title={metric} /> : null;
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function Again({ id, lines }: { id: string; lines: string[] }): JSX.Element {
  const whole = `meticulous reproduce ${/^[\w.-]+$/.test(id) ? id : `'${id.replaceAll("'", "'\\''")}'`}`;
  return (
    <Card title="Run it again">
      <pre class="command" tabIndex={0}>{whole}</pre>
      <CopyButton text={whole} what="the command" />
      <p>The same by hand, in the repository:</p>
      <pre class="command" tabIndex={0}>{lines.join("\n")}</pre>
      <CopyButton text={lines.join("\n")} what="the commands" />
    </Card>
  );
}
