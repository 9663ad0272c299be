/** The page's theme, for what is drawn by it. */
import { useSyncExternalStore } from "react";
import { current, subscribe, type Theme, toggle } from "./theme.js";

export function useTheme(): { theme: Theme; toggle: () => void } {
  return { theme: useSyncExternalStore(subscribe, current), toggle };
}
