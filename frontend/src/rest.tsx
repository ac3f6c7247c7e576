import type { JSX } from "preact";
import { ComparePage } from "./compare/compare";
import { ExplorePage } from "./compare/explore";
import { PaperPage } from "./compare/paper";
import { address } from "./core/state";
import { CurvesPage } from "./curves/curves";
import { ExperimentPage } from "./experiment/page";

/** All views but the first one; they come as one file when one of them is looked at. */
export function RestOfViews(): JSX.Element {
  const { view, id } = address.value;
  if (view === "curves") return <CurvesPage />;
  if (view === "compare") return <ComparePage />;
  if (view === "explore") return <ExplorePage />;
  if (view === "paper") return <PaperPage />;
  return <ExperimentPage key={id} id={id} />;
}
