/** One's own calls, page by page, newest first; asked anew whenever a call has ended. */
import type { BellwireError, HistoryCall } from "@bellwire/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { useClient } from "./context.js";

export interface UseCallHistory {
  calls: readonly HistoryCall[];
  isLoading: boolean;
  error: BellwireError | null;
  hasMore: boolean;
  loadMore: () => void;
  reload: () => void;
}

interface Page {
  calls: readonly HistoryCall[];
  nextCursor: string | null;
  isLoading: boolean;
  error: BellwireError | null;
}

const NOTHING: Page = { calls: [], nextCursor: null, isLoading: true, error: null };

export function useCallHistory(filter: { channelId?: string; limit?: number } = {}): UseCallHistory {
  const client = useClient();
  const { channelId, limit } = filter;
  const [page, setPage] = useState<Page>(NOTHING);
  const generation = useRef(0); // answers to older questions are dropped

  const load = useCallback(
    (cursor: string | null) => {
      const mine = ++generation.current;
      setPage((p) => ({ ...p, isLoading: true, error: null }));
      client.history({ channelId, limit, cursor: cursor ?? undefined }).then(
        (answer) => {
          if (mine !== generation.current) return;
          const { nextCursor } = answer;
          setPage((p) => ({
            calls: cursor ? [...p.calls, ...answer.calls] : answer.calls,
            nextCursor,
            isLoading: false,
            error: null,
          }));
        },
        (error: BellwireError) => mine === generation.current && setPage((p) => ({ ...p, isLoading: false, error })),
      );
    },
    [client, channelId, limit],
  );

  const reload = useCallback(() => load(null), [load]);
  useEffect(() => {
    reload();
    const off = client.on("history", reload);
    return () => {
      off();
      generation.current++;
    };
  }, [client, reload]);

  const loadMore = useCallback(() => page.nextCursor && load(page.nextCursor), [load, page.nextCursor]);
  return { ...page, hasMore: page.nextCursor !== null, loadMore, reload };
}
