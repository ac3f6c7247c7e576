import { sameJson, type Json, type JsonObject } from "../core/json";
import { Problem } from "../core/source";

/** A comparison of some of the experiments that were compared. */
export function comparisonOf(ids: string[], compare: JsonObject): JsonObject {
  const all = compare.experiments as JsonObject[];
  const experiments = ids.flatMap((id) => all.filter(({ expid }) => expid === id));
  if (experiments.length < ids.length) throw new Problem("This exported page does not hold all of these.");
  const sections = Object.entries(compare.sections as Record<string, JsonObject>).map(([name, section]) => {
    const values = (section.values as JsonObject[]).flatMap((line) => lineOf(ids, line));
    const pairs = ((section.pairs ?? []) as JsonObject[]).filter(
      ({ from, to }) => ids.includes(String(from)) && ids.includes(String(to)),
    );
    const files = new Set(pairs.flatMap(({ files }) => (files as JsonObject[]).map(({ path }) => path)));
    const differs = values.filter((line) => line.differs).length + files.size;
    const notes = section.notes as Json[];
    const hasAll = section.pairs === undefined || pairs.length >= ids.length - 1;
    const lacking = "Of these, this file does not hold how the code differs; each one's own page shows its code.";
    return [name, { ...section, differs, values, pairs, notes: hasAll ? notes : [...notes, lacking] }] as const;
  });
  const told = sections.flatMap(([name, { differs }]) => (differs ? [`${name} (${differs})`] : []));
  const which = `${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
  const verdict = told.length ? `${which} differ in: ${told.join(", ")}` : `${which} do not differ`;
  const isWhole = ids.length === all.length && ids.every((id, place) => all[place]?.expid === id);
  return isWhole ? compare : { ...compare, experiments, verdict, sections: Object.fromEntries(sections) };
}

function lineOf(ids: string[], line: JsonObject): JsonObject[] {
  const all = line.values as JsonObject;
  const values = Object.fromEntries(ids.flatMap((id) => (all[id] === undefined ? [] : [[id, all[id]]])));
  const differs = ids.some((id) => !sameJson(all[id], all[ids[0]!]));
  return Object.keys(values).length > 0 ? [{ ...line, values, differs }] : [];
}
