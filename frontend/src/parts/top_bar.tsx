import type { JSX } from "preact";
import { source } from "../core/api";
import { VIEWS, type View } from "../core/address";
import { plural } from "../core/format";
import { address, linkTo, running, show, stale, store } from "../core/state";
import { nextTheme, theme } from "../core/theme";
import { ExportedMark } from "./exported";

export const TITLES: Partial<Record<View, string>> = {
  table: "Experiments",
  curves: "Curves",
  compare: "Compare",
  explore: "Explore",
  paper: "Paper table",
};

export function TopBar({ onHelp }: { onHelp: () => void }): JSX.Element {
  const facts = store.value;
  return (
    <header class="top">
      <strong class="top-title" title={facts ? `${facts.host}: ${facts.root}` : undefined}>
        {facts?.title ?? "meticulous"}
      </strong>
      <nav aria-label="Views">
        {VIEWS.map((view) => (TITLES[view] ? <ViewLink key={view} view={view} title={TITLES[view]} /> : null))}
      </nav>
      <span class="top-facts">
        {facts && plural(facts.count, "experiment")}
        {running.value.size > 0 && <span class="live">{running.value.size} running</span>}
        {facts?.read_only && source.isLive && <span class="tag">read only</span>}
      </span>
      {stale.value && (
        <span class="tag stale" role="status" title={stale.value}>
          not live: {stale.value}
        </span>
      )}
      {!source.isLive && <ExportedMark />}
      <button type="button" class="quiet" onClick={nextTheme} title="Colours (T)">
        {theme.value === "auto" ? "auto" : theme.value}
      </button>
      <button type="button" class="quiet" onClick={onHelp} aria-label="Show the keys" title="Keys (?)">
        ?
      </button>
    </header>
  );
}

function ViewLink({ view, title }: { view: View; title: string }): JSX.Element {
  const { view: shown, selected } = address.value;
  const count = view === "curves" || view === "compare" ? selected.length : 0;
  const follow = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(view);
  };
  return (
    <a
      href={linkTo({ view, id: "", tab: "", part: "" })}
      aria-current={shown === view ? "page" : undefined}
      onClick={follow}
    >
      {title}
      {count > 0 && <span class="count"> {count}</span>}
    </a>
  );
}
