/** Light or dark: as the address says, else as chosen on the page, else as the system has it. */
import { useEffect, useSyncExternalStore } from "react";

type Theme = "light" | "dark";
const KEY = "bellwire-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): Theme | null {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : null;
}

/** The choice lives in the storage, so that both panes and other tabs follow at once. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  dark.addEventListener("change", listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    dark.removeEventListener("change", listener);
    window.removeEventListener("storage", listener);
  };
}

function choose(theme: Theme) {
  localStorage.setItem(KEY, theme);
  for (const listener of listeners) listener();
}

export function useTheme(forced: Theme | null): { theme: Theme; toggle: (() => void) | null } {
  const chosen = useSyncExternalStore(subscribe, stored);
  const isDark = useSyncExternalStore(subscribe, () => dark.matches);
  const theme = forced ?? chosen ?? (isDark ? "dark" : "light");
  useEffect(() => {
    document.documentElement.dataset.bwTheme = theme;
  }, [theme]);
  return { theme, toggle: forced ? null : () => choose(theme === "dark" ? "light" : "dark") };
}
