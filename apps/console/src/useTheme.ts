/** Light or dark: as chosen here or on the demo's page, else as the system has it; on paper light. */
import { useEffect, useSyncExternalStore } from "react";

type Theme = "light" | "dark";
const KEY = "bellwire-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const paper = matchMedia("print");
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  for (const media of [dark, paper]) media.addEventListener("change", listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    for (const media of [dark, paper]) media.removeEventListener("change", listener);
    window.removeEventListener("storage", listener);
  };
}

function current(): Theme {
  if (paper.matches) return "light";
  const asked = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem(KEY);
  if (asked === "light" || asked === "dark") return asked;
  return dark.matches ? "dark" : "light";
}

export function useTheme(): { theme: Theme; toggle: () => void } {
  const theme = useSyncExternalStore(subscribe, current);
  useEffect(() => {
    document.documentElement.dataset.bwTheme = theme;
  }, [theme]);
  const toggle = () => {
    localStorage.setItem(KEY, theme === "dark" ? "light" : "dark");
    for (const listener of listeners) listener();
  };
  return { theme, toggle };
}
