export interface ImageSeries {
  /** The path with # for the step. */
  name: string;
  images: { step: number; path: string }[];
}

const IMAGE = /\.(png|jpe?g|gif|webp|svg|bmp|avif)$/i;

/** Images whose paths differ only in their last number are one image over steps. */
export function imageSeries(paths: readonly string[]): ImageSeries[] {
  const series = new Map<string, ImageSeries>();
  for (const path of paths) {
    if (!IMAGE.test(path)) continue;
    const [name, step] = split(path);
    const found = series.get(name) ?? { name, images: [] };
    found.images.push({ step, path });
    series.set(name, found);
  }
  for (const { images } of series.values()) images.sort((a, b) => a.step - b.step);
  return [...series.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function split(path: string): [string, number] {
  const dot = path.lastIndexOf(".");
  const number = /^(.*?)(\d+)(\D*)$/s.exec(path.slice(0, dot));
  if (!number) return [path, 0];
  return [`${number[1]}#${number[3]}${path.slice(dot)}`, Number(number[2])];
}
