import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { question, useAnswer } from "../core/api";
import { address, changes } from "../core/state";
import type { CurveAnswer } from "../core/types";
import { asCurve, refined, type Curve } from "./model";
import { useSketched, type Sketched } from "./use_sketched";

const POINTS = 600;
const FEWEST_POINTS = 150;
/** Of very many curves each is drawn from fewer points, which loses no spike. */
const POINTS_OF_ALL = 20_000;
const CALM = 50;

const isSketchy = (curves: readonly CurveAnswer[]): boolean => curves.some(({ sketch }) => sketch);

/** The curves of one metric, as fine as the part of them that is looked at; asked for when seen. */
export function useCurves(metric: string, ids: readonly string[], isSeen: boolean): Sketched<Curve[]> {
  const { x, zoom, logx } = address.value;
  const calmZoom = useCalm(zoom);
  const parameters = {
    ids: ids.join(","),
    metric,
    x,
    log: logx ? 1 : undefined,
    points: Math.round(Math.min(POINTS, Math.max(FEWEST_POINTS, POINTS_OF_ALL / ids.length))),
  };
  const changed = Math.max(0, ...ids.map((id) => changes.value.get(id) ?? 0));
  const asked = isSeen ? question("curves", parameters) : null;
  const answer = useSketched<CurveAnswer[]>(asked, "curves", changed, isSketchy);
  const isFiner = isSeen && calmZoom && !answer.isSketch;
  const askedFiner = isFiner ? question("curves", { ...parameters, low: calmZoom[0], high: calmZoom[1] }) : null;
  const finer = useAnswer<CurveAnswer[]>(askedFiner, "curves", changed);
  const whole = useMemo(() => answer.value && answer.value.map(asCurve), [answer.value]);
  // The whole stays: lines go on beyond the part that is looked at, and cross it where it has no points.
  const value = useMemo(() => {
    return whole && finer.value ? refined(whole, finer.value.map(asCurve)) : whole;
  }, [whole, finer.value]);
  return { ...answer, isSlow: answer.isSlow || finer.isSlow, problem: answer.problem ?? finer.problem, value };
}

/** A value at once, and while it goes on changing again only when it has stayed the same for a moment. */
function useCalm<T>(value: T): T {
  const [calm, setCalm] = useState(value);
  const changed = useRef(-Infinity);
  const written = JSON.stringify(value);
  useLayoutEffect(() => {
    const isFirst = performance.now() - changed.current > CALM;
    changed.current = performance.now();
    if (isFirst) return setCalm(value);
    const timer = setTimeout(() => setCalm(value), CALM);
    return () => clearTimeout(timer);
  }, [written]);
  return calm;
}
