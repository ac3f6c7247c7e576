import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem } from "./core/api";
import { useKeys } from "./core/keys";
import { followStore } from "./core/live";
import type { Problem } from "./core/source";
import { address, show } from "./core/state";
import { nextTheme } from "./core/theme";
import { Later } from "./later";
import { EditDialog } from "./table/edit";
import { KeysHelp } from "./parts/keys_help";
import { Notice } from "./parts/notice";
import { Failure } from "./parts/states";
import { TITLES, TopBar } from "./parts/top_bar";
import { TablePage } from "./table/table_page";

export function App(): JSX.Element {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isHelpOpen, setHelpOpen] = useState(false);
  useEffect(() => void followStore().catch((error: unknown) => setProblem(asProblem(error))), []);
  useKeys("Everywhere", [
    { keys: "?", label: "show the keys", run: () => setHelpOpen(true) },
    { keys: "g t", label: "go to the table", run: () => show("table") },
    { keys: "g c", label: "go to the curves", run: () => show("curves") },
    { keys: "g d", label: "go to the comparison", run: () => show("compare") },
    { keys: "g e", label: "go to explore", run: () => show("explore") },
    { keys: "g p", label: "go to the paper's table", run: () => show("paper") },
    { keys: "Escape", label: "back to the table", run: leave },
    { keys: "T", label: "dark, light, or as the system", run: nextTheme },
  ]);
  return (
    <>
      <a class="skip" href="#main" onClick={focusMain}>
        Skip to the content
      </a>
      <TopBar onHelp={() => setHelpOpen(true)} />
      <main id="main" tabIndex={-1} class={`view view-${address.value.view}`}>
        {address.value.view !== "experiment" && <h1 class="unseen">{TITLES[address.value.view]}</h1>}
        {problem ? (
          <Failure problem={problem} what="The experiments cannot be shown" />
        ) : address.value.view === "table" ? (
          <TablePage />
        ) : (
          <Later />
        )}
      </main>
      {address.value.view !== "table" && <EditDialog />}
      <Notice />
      {isHelpOpen && <KeysHelp onClose={() => setHelpOpen(false)} />}
    </>
  );
}

function leave(): void {
  if (document.activeElement instanceof HTMLElement && document.activeElement !== document.body) {
    document.activeElement.blur();
  }
  if (address.value.view !== "table") show("table");
}

function focusMain(event: Event): void {
  // The part behind # is the page's state, not a place on it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}
