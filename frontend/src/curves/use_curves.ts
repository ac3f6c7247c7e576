import { useEffect, useMemo, useState } from "preact/hooks";
import { question, useAnswer, type Answer } from "../core/api";
import { address, changes } from "../core/state";
import type { CurveAnswer } from "../core/types";
import { asCurve, type Curve } from "./model";

const POINTS = 600;
const MANY = 20;
const POINTS_OF_MANY = 300;
const CALM = 50;

/** The curves of one metric, as fine as the part of them that is looked at; asked for when seen. */
export function useCurves(metric: string, ids: readonly string[], isSeen: boolean): Answer<Curve[]> {
  const { x, zoom } = address.value;
  const calmZoom = useCalm(zoom);
  const parameters = {
    ids: ids.join(","),
    metric,
    x,
    low: calmZoom?.[0],
    high: calmZoom?.[1],
    points: ids.length > MANY ? POINTS_OF_MANY : POINTS,
  };
  const changed = Math.max(0, ...ids.map((id) => changes.value.get(id) ?? 0));
  const answer = useAnswer<CurveAnswer[]>(isSeen ? question("curves", parameters) : null, "curves", changed);
  const value = useMemo(() => answer.value && answer.value.map(asCurve), [answer.value]);
  return { ...answer, value };
}

/** A value once it has stayed the same for a moment; the first at once. */
function useCalm<T>(value: T): T {
  const [calm, setCalm] = useState(value);
  const written = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(value), CALM);
    return () => clearTimeout(timer);
  }, [written]);
  return calm;
}
