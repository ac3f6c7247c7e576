import { useMemo } from "preact/hooks";
import { formatValue } from "../core/format";
import { address } from "../core/state";
import { colours, isDark } from "../core/theme";
import { joined } from "./bands";
import { colourOf } from "./colours";
import type { Shown } from "./experiments";
import { asLine, type Curve, type Line } from "./model";
import { unitOf } from "./smoothing";

/** What stands in the legend: an experiment, or a band of several. */
export interface Entry {
  id: string;
  ids: string[];
  label: string;
  colour: string;
}

/** One entry for each experiment, or for each value of the arg that joins them. */
export function useEntries(shown: Shown): Entry[] {
  const { band } = address.value;
  const dark = colours.value >= 0 && isDark();
  return useMemo(() => {
    if (!band) return shown.ids.map((id, index) => ({ id, ids: [id], label: shown.label(id), colour: colourOf(index, dark) }));
    const groups = new Map<string, string[]>();
    for (const id of shown.ids) {
      const value = formatValue(shown.value(id, band));
      groups.set(value, [...(groups.get(value) ?? []), id]);
    }
    const key = band.slice(band.lastIndexOf(".") + 1);
    return [...groups].map(([value, ids], index) => ({
      id: value,
      ids,
      label: `${key}=${value} (${ids.length})`,
      colour: colourOf(index, dark),
    }));
  }, [shown, band, dark]);
}

export function linesOf(curves: readonly Curve[], entries: readonly Entry[], hidden: ReadonlySet<string>): Line[] {
  const { band, smooth, spread, logx } = address.value;
  const unit = smooth > 0 ? unitOf(curves) : 1;
  const byId = new Map(curves.map((curve) => [curve.id, curve]));
  return entries.flatMap((entry) => {
    const members = entry.ids.flatMap((id) => byId.get(id) ?? []);
    if (hidden.has(entry.id) || members.length === 0) return [];
    const curve = band ? joined(entry.id, members, spread, logx) : members[0]!;
    return [asLine(curve, entry.label, entry.colour, smooth, unit)];
  });
}
