/** What a pane tells the page around it: whether it rings or is in a call, so that a pane out of sight is not missed. */
import { useEffect, useState } from "react";

export type PaneState = "quiet" | "ringing" | "in-call";

interface PaneMessage {
  bellwirePane: string;
  state: PaneState;
}

const STATES: readonly unknown[] = ["quiet", "ringing", "in-call"] satisfies PaneState[];

function isPaneMessage(data: unknown): data is PaneMessage {
  if (typeof data !== "object" || data === null) return false;
  const { bellwirePane, state } = data as Partial<PaneMessage>;
  return typeof bellwirePane === "string" && STATES.includes(state);
}

export function useTellPage(user: string, state: PaneState): void {
  useEffect(() => {
    if (window.parent === window) return;
    window.parent.postMessage({ bellwirePane: user, state } satisfies PaneMessage, location.origin);
  }, [user, state]);
}

export function usePaneStates(): Readonly<Record<string, PaneState>> {
  const [states, setStates] = useState<Record<string, PaneState>>({});
  useEffect(() => {
    const take = ({ origin, data }: MessageEvent<unknown>) => {
      if (origin !== location.origin || !isPaneMessage(data)) return;
      const { bellwirePane, state } = data;
      setStates((old) => ({ ...old, [bellwirePane]: state }));
    };
    window.addEventListener("message", take);
    return () => window.removeEventListener("message", take);
  }, []);
  return states;
}
