import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { experimentPath, question, source, useAnswer } from "../core/api";
import { changes } from "../core/state";
import type { FileFacts } from "../core/types";
import { Answered, Empty } from "../parts/states";
import { imageSeries, type ImageSeries } from "./image_series";

/** The images of an experiment; those of one name over steps with a slider. */
export function ImagesTab({ id }: { id: string }): JSX.Element {
  const answer = useAnswer<FileFacts[]>(question(experimentPath(id, "files")), "files", changes.value.get(id) ?? 0);
  return (
    <Answered answer={answer} what="Listing the files">
      {(files) => <Images id={id} paths={files.map(({ path }) => path)} />}
    </Answered>
  );
}

function Images({ id, paths }: { id: string; paths: string[] }): JSX.Element {
  const series = useMemo(() => imageSeries(paths), [paths]);
  if (series.length === 0) return <Empty>There is no image among its files.</Empty>;
  return (
    <div class="images">
      {series.map((one) => (
        <Series key={one.name} id={id} series={one} />
      ))}
    </div>
  );
}

function Series({ id, series }: { id: string; series: ImageSeries }): JSX.Element {
  const [chosen, setChosen] = useState<number | null>(null);
  const last = series.images.length - 1;
  const index = Math.min(last, chosen ?? last);
  const { path, step } = series.images[index]!;
  const address = source.address(question(experimentPath(id, "file"), { path }));
  return (
    <figure class="image">
      {address ? <img src={address} alt={path} loading="lazy" /> : <p class="state">Not in this file.</p>}
      <figcaption>
        <span class="name" title={path}>
          {series.name}
        </span>
        {last > 0 && (
          <label>
            <input
              type="range"
              min="0"
              max={last}
              value={index}
              aria-label={`Step of ${series.name}`}
              aria-valuetext={`step ${step}`}
              onInput={(event) => setChosen(Number(event.currentTarget.value))}
            />
            <output>{step}</output>
          </label>
        )}
      </figcaption>
    </figure>
  );
}
