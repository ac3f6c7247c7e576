import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { question } from "../core/api";
import { address, change, show, version } from "../core/state";
import type { MetricIds } from "../core/types";
import { Answered, Empty } from "../parts/states";
import { Controls } from "./controls";
import { useShown, type Shown } from "./experiments";
import { PINNED, grouped, type PanelGroup } from "./groups";
import { Legend } from "./legend";
import { useEntries } from "./lines";
import { Panel } from "./panel";
import { forgetPointer } from "./pointer";
import { useSketched } from "./use_sketched";

export function CurvesPage(): JSX.Element {
  const shown = useShown();
  return (
    <section class="curves-page" aria-label="Curves">
      <Answered answer={shown} what="Reading the experiments">
        {(experiments) => (experiments.ids.length ? <CurvesOf shown={experiments} /> : <NoExperiments />)}
      </Answered>
    </section>
  );
}

/** All metrics of some experiments, in panels; also a tab of one experiment, and of the comparison. */
export function CurvesOf({ shown }: { shown: Shown }): JSX.Element {
  const asked = question("metrics", { ids: shown.ids.join(",") });
  const answer = useSketched<MetricIds>(asked, "metrics", version.value, always);
  const entries = useEntries(shown);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState("");
  const { metrics: search, panels, x } = address.value;
  useEffect(() => forgetPointer, [x]);
  const names = useMemo(() => Object.keys(answer.value ?? {}), [answer.value]);
  const legend = useMemo(
    () => <Legend entries={entries} hidden={hidden} onHide={setHidden} onFocus={setFocus} />,
    [entries, hidden],
  );
  const [groups, problem] = useMemo(() => tryGrouped(names, search, panels), [names, search, panels]);
  return (
    <>
      <Controls metrics={names} differing={shown.differing} problem={problem} isReading={answer.isSketch && answer.isSlow} />
      {!shown.isChosen && shown.ids.length > 1 && (
        <p class="hint">These are the newest {shown.ids.length}: select experiments in the table to see theirs.</p>
      )}
      <div class="curves">
        {legend}
        <div class="panels">
          <Answered answer={answer} what="Reading the names of metrics">
            {(having) =>
              names.length === 0 ? (
                <Empty>Nothing was logged by {shown.ids.length === 1 ? "this experiment" : "these experiments"}.</Empty>
              ) : groups.length === 0 ? (
                <Empty>No metric is called that: {problem || "the search matches none"}.</Empty>
              ) : (
                groups.map((group) => (
                  <Group key={group.name} group={group}>
                    {(metric) => (
                      <Panel
                        key={metric}
                        metric={metric}
                        ids={shown.ids.filter((id) => having[metric]?.includes(id))}
                        entries={entries}
                        hidden={hidden}
                        focus={focus}
                      />
                    )}
                  </Group>
                ))
              )
            }
          </Answered>
        </div>
      </div>
    </>
  );
}

/** Of names it cannot be told whether there are more in lines that were not looked at. */
const always = (): boolean => true;

function tryGrouped(names: string[], search: string, panels: string[]): [PanelGroup[], string] {
  try {
    return [grouped(names, search, panels), ""];
  } catch {
    // While it is written, a regular expression is often none yet: all stay, and it is said.
    return [grouped(names, "", panels), "not a regular expression yet"];
  }
}

function Group({ group, children }: { group: PanelGroup; children: (metric: string) => JSX.Element }): JSX.Element {
  const { collapsed } = address.value;
  const isOpen = !collapsed.includes(group.name);
  const toggle = (): void => {
    change({ collapsed: isOpen ? [...collapsed, group.name] : collapsed.filter((name) => name !== group.name) });
  };
  const title = group.name === "" ? "metrics" : group.name === PINNED ? "pinned" : `${group.name}/`;
  return (
    <section class="panel-group">
      <h2>
        <button type="button" class="quiet" aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? "▾" : "▸"} {title} <small>{group.metrics.length}</small>
        </button>
      </h2>
      {isOpen && <div class="panel-grid">{group.metrics.map(children)}</div>}
    </section>
  );
}

function NoExperiments(): JSX.Element {
  return (
    <Empty>
      <p>There is no experiment whose curves could be shown.</p>
      <button type="button" onClick={() => show("table")}>
        To the table
      </button>
    </Empty>
  );
}
