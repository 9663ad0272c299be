/** Light or dark: as chosen here or on the demo's page, else as the system has it; on paper light. The document follows
 *  from the first moment on, before the page's own part has come. */

export type Theme = "light" | "dark";
const KEY = "bellwire-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const listeners = new Set<() => void>();

export function current(): Theme {
  if (paper.matches) return "light";
  const asked = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem(KEY);
  if (asked === "light" || asked === "dark") return asked;
  return dark.matches ? "dark" : "light";
}

/** The document first: what is drawn on a canvas reads its colours from there. */
function changed(): void {
  document.documentElement.dataset.bwTheme = current();
  for (const listener of listeners) listener();
}

for (const media of [dark, paper]) media.addEventListener("change", changed);
window.addEventListener("storage", changed);
changed();

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function toggle(): void {
  localStorage.setItem(KEY, current() === "dark" ? "light" : "dark");
  changed();
}
