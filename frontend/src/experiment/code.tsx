import type { JSX } from "preact";
import { experimentPath, question, useAnswer } from "../core/api";
import { formatValue } from "../core/format";
import { isObject, type Json } from "../core/json";
import { address, change } from "../core/state";
import type { Code } from "../core/types";
import { CopyButton } from "../parts/copy";
import { Answered, Empty } from "../parts/states";
import { Patch } from "./patch";

const AGAINST = { base: "what it changed before it ran", head: "what changed since, up to HEAD" } as const;

export function CodeTab({ id }: { id: string }): JSX.Element {
  const { against } = address.value;
  const answer = useAnswer<Code>(question(experimentPath(id, "code"), { against }), "code");
  return (
    <div class="code">
      <div class="tools" role="group" aria-label="What is compared">
        {(["base", "head"] as const).map((word) => (
          <button key={word} type="button" aria-pressed={against === word} onClick={() => change({ against: word }, true)}>
            {AGAINST[word]}
          </button>
        ))}
      </div>
      <Answered answer={answer} what="Asking git">
        {(code) => <CodeOf code={code} />}
      </Answered>
    </div>
  );
}

function CodeOf({ code }: { code: Code }): JSX.Element {
  const patches = code.files.filter(({ patch }) => patch);
  const others = code.files.filter(({ patch }) => !patch);
  return (
    <>
      <dl class="facts">
        <Fact name="commit" value={code.commit} />
        <Fact name="branch" value={code.branch} />
        <Fact name="work tree" value={code.dirty === null ? null : code.dirty ? "had changes, kept as a snapshot" : "clean"} />
      </dl>
      {code.note && <p class="hint">{code.note}</p>}
      {code.commits.length > 0 && <Commits commits={code.commits} />}
      {code.files.length === 0 && !code.note && <Empty>No file differs.</Empty>}
      {patches.length > 0 && <CopyButton text={patches.map(({ patch }) => patch).join("\n")} what="the patch" />}
      {patches.map((file) => (
        <Patch key={file.path} patch={file.patch!} />
      ))}
      {others.length > 0 && (
        <ul class="plain">
          {others.map(({ path, status }) => (
            <li key={path}>
              {path} <small>{status}, without a patch</small>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string | null }): JSX.Element | null {
  if (!value) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Commits({ commits }: { commits: Json[] }): JSX.Element {
  return (
    <details>
      <summary>{commits.length === 1 ? "One commit" : `${commits.length} commits`} between</summary>
      <ul class="plain">
        {commits.map((commit, index) => (
          <li key={index}>{isObject(commit) ? Object.values(commit).map(formatValue).join(" ") : formatValue(commit)}</li>
        ))}
      </ul>
    </details>
  );
}
