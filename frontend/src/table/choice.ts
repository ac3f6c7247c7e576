import { useMemo, useRef } from "preact/hooks";
import { address, select } from "../core/state";
import type { Row } from "./rows_answer";
import type { Windows } from "./windows";

export interface Choice {
  selected: ReadonlySet<string>;
  toggle(index: number, isRange: boolean): void;
  clear(): void;
}

/** Which experiments are selected: kept by their ids, whatever order the rows take. */
export function useChoice(windows: Windows<Row>): Choice {
  const last = useRef<number | null>(null);
  const chosen = address.value.selected;
  const selected = useMemo(() => new Set(chosen), [chosen]);
  const toggle = (index: number, isRange: boolean): void => {
    const [low, high] = isRange && last.current !== null ? ordered(last.current, index) : [index, index];
    const ids: string[] = [];
    for (let place = low; place <= high; place++) ids.push(...(windows.row(place)?.ids ?? []));
    const isOn = windows.row(index)?.ids.every((id) => selected.has(id)) ?? false;
    const others = new Set(ids);
    const kept = chosen.filter((id) => !others.has(id));
    last.current = index;
    select(isOn ? kept : [...kept, ...ids]);
  };
  return { selected, toggle, clear: () => select([]) };
}

function ordered(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}
