import type { JSX } from "preact";
import { toNumber, type Json } from "../core/json";
import { sparkPath } from "./spark_path";

interface Props {
  values: readonly Json[];
  title: string;
}

const WIDTH = 90;
const HEIGHT = 22;

export function Sparkline({ values, title }: Props): JSX.Element {
  const path = sparkPath(values.map(toNumber), WIDTH, HEIGHT);
  return (
    <svg class="spark" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
      <title>{title}</title>
      <path d={path} />
    </svg>
  );
}
