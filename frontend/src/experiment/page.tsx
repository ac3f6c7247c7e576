import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { experimentPath, question, source, useAnswer } from "../core/api";
import { useKeys } from "../core/keys";
import { address, change, changes, openExperiment, store, toggleSelected } from "../core/state";
import type { ExperimentFacts } from "../core/types";
import { CurvesOf } from "../curves/curves";
import { asShown } from "../curves/experiments";
import { Answered } from "../parts/states";
import { statusClass } from "../table/cell";
import { edit } from "../table/editing";
import { CodeTab } from "./code";
import { ConsoleTab } from "./console";
import { EnvironmentTab } from "./environment";
import { FilesTab } from "./files";
import { ImagesTab } from "./images";
import { Overview } from "./overview";

const TABS = {
  "": "Overview",
  curves: "Curves",
  code: "Code",
  console: "Console",
  files: "Files",
  images: "Images",
  environment: "Environment",
} as const;
type Tab = keyof typeof TABS;
const ALL = Object.keys(TABS) as Tab[];

export function ExperimentPage({ id }: { id: string }): JSX.Element {
  const answer = useAnswer<ExperimentFacts>(question(experimentPath(id)), "experiment", changes.value.get(id) ?? 0);
  const tab = ALL.find((name) => name === address.value.tab) ?? "";
  const go = (step: number) => () => openExperiment(id, ALL[(ALL.indexOf(tab) + step + ALL.length) % ALL.length]);
  useKeys("Experiment", [
    { keys: "]", label: "next tab", run: go(1) },
    { keys: "[", label: "tab before", run: go(-1) },
    { keys: "x", label: "select, or not", run: () => toggleSelected(id) },
    { keys: "t", label: "edit the tags", run: () => void edit([id], "tags") },
    { keys: "n", label: "write a note", run: () => void edit([id], "note") },
    { keys: "e", label: "edit the name", run: () => void edit([id], "name") },
  ]);
  return (
    <section class="experiment" aria-label={`Experiment ${id}`}>
      <Answered answer={answer} what={`Reading experiment ${id}`}>
        {(facts) => (
          <>
            <Head facts={facts} />
            <Tabs tab={tab} id={id} />
            <div role="tabpanel" id="tab-panel" aria-label={TABS[tab]} class="tab-panel">
              <TabOf tab={tab} facts={facts} />
            </div>
          </>
        )}
      </Answered>
    </section>
  );
}

function Head({ facts }: { facts: ExperimentFacts }): JSX.Element {
  const { expid, status, status_message: message, annotations, description } = facts;
  const isSelected = address.value.selected.includes(expid);
  const title = [annotations.name, description].filter((text) => typeof text === "string" && text !== "").join(" · ");
  return (
    <header class="experiment-head">
      <h1>
        {expid} <small>{title}</small>
      </h1>
      <span class={`status status-${statusClass(status)}`}>
        <i aria-hidden="true" />
        {status}
        {message && <small> {message}</small>}
      </span>
      <button type="button" aria-pressed={isSelected} onClick={() => toggleSelected(expid)}>
        {isSelected ? "selected" : "select"}
      </button>
      {source.isLive && !store.value?.read_only &&
        (["tags", "note", "name"] as const).map((kind) => (
          <button key={kind} type="button" class="quiet" onClick={() => void edit([expid], kind)}>
            {kind}
          </button>
        ))}
    </header>
  );
}

function Tabs({ tab, id }: { tab: Tab; id: string }): JSX.Element {
  const press = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    openExperiment(id, ALL[(ALL.indexOf(tab) + step + ALL.length) % ALL.length]);
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };
  return (
    <div role="tablist" aria-label="Parts of the experiment" class="tabs" onKeyDown={press}>
      {ALL.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={name === tab}
          aria-controls="tab-panel"
          tabIndex={name === tab ? 0 : -1}
          onClick={() => openExperiment(id, name)}
        >
          {TABS[name]}
        </button>
      ))}
    </div>
  );
}

function TabOf({ tab, facts }: { tab: Tab; facts: ExperimentFacts }): JSX.Element {
  if (tab === "curves") return <CurvesTab id={facts.expid} />;
  if (tab === "code") return <CodeTab id={facts.expid} />;
  if (tab === "console") return <ConsoleTab key={facts.expid} facts={facts} />;
  if (tab === "files") return <FilesTab id={facts.expid} />;
  if (tab === "images") return <ImagesTab id={facts.expid} />;
  if (tab === "environment") return <EnvironmentTab facts={facts} />;
  return <Overview facts={facts} onMetric={(metrics) => change({ tab: "curves", metrics }, true)} />;
}

function CurvesTab({ id }: { id: string }): JSX.Element {
  const shown = useMemo(
    () => asShown({ version: 0, total: 1, matched: 1, offset: 0, columns: [], ids: [id], cells: [[]], statuses: [] }, [id]),
    [id],
  );
  return <CurvesOf shown={shown} />;
}
