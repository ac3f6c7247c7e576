import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { question, useAnswer } from "../core/api";
import { address, change, show, version } from "../core/state";
import type { Compare, Rows } from "../core/types";
import { CurvesOf } from "../curves/curves";
import { useShown } from "../curves/experiments";
import { Answered, Empty } from "../parts/states";
import { goneText } from "./gone";
import { CompareHead, Section } from "./sections";

const MOST = 10;

/** Some experiments side by side: first what differs, then their curves on top of each other. */
export function ComparePage(): JSX.Element {
  const { selected } = address.value;
  if (selected.length < 2) return <ChooseMore />;
  const ids = selected.slice(0, MOST);
  return (
    <section class="compare" aria-label="Compare">
      <div class="tabs" role="tablist" aria-label="What is compared">
        {["", "curves"].map((tab) => (
          <button
            key={tab}
            type="button"
            role="tab"
            aria-selected={address.value.tab === tab}
            onClick={() => change({ tab }, true)}
          >
            {tab ? "Curves" : "Differences"}
          </button>
        ))}
      </div>
      {selected.length > MOST && address.value.tab !== "curves" && (
        <p class="hint">
          These are the first {MOST} of the {selected.length} that are selected.
        </p>
      )}
      {address.value.tab === "curves" ? <Curves /> : <Differences key={ids.join(",")} ids={ids} />}
    </section>
  );
}

function ChooseMore(): JSX.Element {
  return (
    <Empty>
      <p>Select two to ten experiments in the table (x), then compare them here (d).</p>
      <button type="button" onClick={() => show("table")}>
        To the table
      </button>
    </Empty>
  );
}

function Curves(): JSX.Element {
  const shown = useShown();
  return (
    <Answered answer={shown} what="Reading the experiments">
      {(experiments) => <CurvesOf shown={experiments} />}
    </Answered>
  );
}

/** Of those that a link or a selection names some may have been deleted since. */
function Differences({ ids }: { ids: string[] }): JSX.Element {
  const asked = question("rows", { ids: ids.join(","), columns: "expid", limit: ids.length });
  const answer = useAnswer<Rows>(asked, "rows", version.value);
  return (
    <Answered answer={answer} what="Reading the experiments">
      {(rows) => {
        const found = new Set(rows.ids.map(String));
        const here = ids.filter((id) => found.has(id));
        const gone = goneText(ids.filter((id) => !found.has(id)));
        return (
          <>
            {gone && (
              <p class="hint" role="status">
                {gone}
              </p>
            )}
            {here.length < 2 ? <ChooseMore /> : <DifferencesOf ids={here} />}
          </>
        );
      }}
    </Answered>
  );
}

function DifferencesOf({ ids }: { ids: string[] }): JSX.Element {
  const [isAll, setAll] = useState(false);
  const answer = useAnswer<Compare>(question("compare", { ids: ids.join(",") }), "compare", version.value);
  return (
    <Answered answer={answer} what="Comparing">
      {({ experiments, verdict, sections }) => (
        <>
          <p class="verdict">{verdict}</p>
          <label>
            <input type="checkbox" checked={isAll} onChange={() => setAll(!isAll)} /> also what is the same
          </label>
          <CompareHead experiments={experiments} />
          {Object.entries(sections).map(([name, section]) => (
            // Columns for those that were compared, whatever was asked for.
            <Section key={name} name={name} section={section} ids={experiments.map(({ expid }) => String(expid))} isAll={isAll} />
          ))}
        </>
      )}
    </Answered>
  );
}
