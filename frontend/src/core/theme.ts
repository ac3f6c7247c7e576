import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const KEY = "meticulous-theme";
const NEXT: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };

export const theme = signal<Theme>("auto");
/** Counts changes of colours, for what draws them itself. */
export const colours = signal(0);

export function startTheme(): void {
  apply(kept());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.value++);
}

export function nextTheme(): void {
  const chosen = NEXT[theme.value];
  apply(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  colours.value++;
}

function kept(): Theme {
  try {
    const word = localStorage.getItem(KEY);
    return word === "light" || word === "dark" ? word : "auto";
  } catch {
    return "auto";
  }
}

export function isDark(): boolean {
  return theme.value === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
}

export function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
