import { isNumeric, toNumber, type Json } from "./json";

const DIGITS = 5;

/** A number in few letters; the full one belongs into a title. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return shorterExponent(value.toExponential(3));
  return String(Number(value.toPrecision(DIGITS)));
}

function shorterExponent(written: string): string {
  return written.replace(/\.?0*e\+?/, "e");
}

export function formatValue(value: Json | undefined): string {
  if (value === null || value === undefined) return "–";
  if (isNumeric(value)) return formatNumber(toNumber(value));
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Everything of a value, to be read in a title or copied. */
export function fullValue(value: Json | undefined): string {
  if (value === null || value === undefined) return "no value";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** 5702.8 seconds are 1h35m; as in the command line. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatNumber(seconds);
  const sign = seconds < 0 ? "-" : "";
  const whole = Math.abs(seconds);
  if (whole < 60) return `${sign}${whole < 10 ? Number(whole.toPrecision(2)) : Math.round(whole)}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${sign}${minutes}m${two(Math.floor(whole % 60))}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${sign}${hours}h${two(minutes % 60)}m`;
  return `${sign}${Math.floor(hours / 24)}d${two(hours % 24)}h`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** What matters of recent things is their age, of others their date, on the clock of who looks. */
export function formatMoment(moment: string, now: number): string {
  const time = Date.parse(moment);
  if (Number.isNaN(time)) return moment;
  const seconds = (now - time) / 1000;
  if (seconds >= 0 && seconds < 60) return "just now";
  if (seconds >= 0 && seconds < 86400) return `${formatDuration(seconds).replace(/\d\ds$/, "")} ago`;
  const offset = new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - offset).toISOString().slice(0, 16).replace("T", " ");
}

export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    bytes /= 1000;
    if (bytes < 999.5) return `${bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${unit}`;
  }
  return `${(bytes / 1000).toFixed(1)} TB`;
}

export function plural(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}
