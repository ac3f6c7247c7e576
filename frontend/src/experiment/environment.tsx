import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatDuration, formatValue } from "../core/format";
import { flatten, isObject, isNumeric, toNumber, type JsonObject } from "../core/json";
import type { ExperimentFacts } from "../core/types";
import { Empty } from "../parts/states";
import { Card, Values } from "./overview";

export function EnvironmentTab({ facts }: { facts: ExperimentFacts }): JSX.Element {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase();
  const groups = Object.entries(facts.environment).map(([name, value]): [string, ReturnType<typeof flatten>] => [
    name,
    flatten(isObject(value) ? value : { [name]: value }).filter(
      ([key, inner]) => `${name}.${key} ${formatValue(inner)}`.toLowerCase().includes(words),
    ),
  ]);
  return (
    <div class="overview">
      <Sessions sessions={facts.sessions} />
      {groups.length === 0 ? (
        <Empty>No environment was recorded.</Empty>
      ) : (
        <>
          <input
            type="search"
            aria-label="Search the environment"
            placeholder="Search names and values"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          {groups.map(([name, values]) =>
            values.length === 0 ? null : (
              <Card key={name} title={name}>
                <Values values={values} />
              </Card>
            ),
          )}
        </>
      )}
    </div>
  );
}

function Sessions({ sessions }: { sessions: JsonObject[] }): JSX.Element | null {
  if (sessions.length === 0) return null;
  const columns = ["number", "start", "duration", "host", "pid", "cwd"] as const;
  return (
    <Card title={sessions.length === 1 ? "Session" : "Sessions"} isWide>
      <table class="values">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">ending</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session, index) => (
            <tr key={index}>
              {columns.map((name) => (
                <td key={name}>
                  {name === "duration" && isNumeric(session[name]) ? formatDuration(toNumber(session[name])) : formatValue(session[name])}
                </td>
              ))}
              <td>{isObject(session.ending) ? Object.values(session.ending).map(formatValue).join(", ") : "none yet"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
