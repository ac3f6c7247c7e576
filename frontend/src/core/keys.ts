import { useEffect, useRef } from "preact/hooks";

export interface Key {
  /** What is pressed: "j", "Escape", "g t" for one after the other. */
  keys: string;
  label: string;
  run(event: KeyboardEvent): void;
}

export interface KeyGroup {
  title: string;
  keys: Key[];
}

const groups: { current: KeyGroup }[] = [];
const SEQUENCE = 1000;
let before = "";
let pressedAt = 0;

/** Listen to keys while the component is shown; the one shown last comes first. */
export function useKeys(title: string, keys: Key[]): void {
  const group = useRef<KeyGroup>({ title, keys });
  group.current = { title, keys };
  useEffect(() => {
    groups.push(group);
    return () => void groups.splice(groups.indexOf(group), 1);
  }, []);
}

export function shownKeys(): KeyGroup[] {
  return groups.map((group) => group.current);
}

export function listenToKeys(): void {
  document.addEventListener("keydown", press);
}

function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // A button or link that has the focus is pressed by Enter and space.
  if (isOperated(event)) return leaveControl(event);
  const sequence = event.timeStamp - pressedAt < SEQUENCE && before ? `${before} ${event.key}` : "";
  const key = (sequence && find(sequence)) || find(event.key);
  before = key ? "" : event.key;
  pressedAt = event.timeStamp;
  if (!key) return;
  event.preventDefault();
  key.run(event);
}

/** Otherwise the keys of the page would be dead once something was chosen by them. */
function leaveControl({ key, target }: KeyboardEvent): void {
  if (key !== "Escape" || !(target instanceof HTMLElement) || target.closest("dialog")) return;
  if (target.matches("select, input[type=range], input[type=search]")) target.blur();
}

function find(pressed: string): Key | undefined {
  for (let place = groups.length - 1; place >= 0; place--) {
    const key = groups[place]!.current.keys.find(({ keys }) => keys === pressed);
    if (key) return key;
  }
  return undefined;
}

function isOperated(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  // An open dialog has all keys for itself; the browser closes it by Escape.
  if (document.querySelector("dialog[open]")) return true;
  if (target instanceof HTMLInputElement && (target.type === "checkbox" || target.type === "radio")) {
    return event.key === " ";
  }
  if (target.matches("input, textarea, select, [contenteditable]")) return true;
  if (!target.matches("button, a, summary")) return false;
  return event.key === "Enter" || event.key === " ";
}
