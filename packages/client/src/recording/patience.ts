/** How long an upload waits for an answer, and before it tries again. News of the network end the waiting, the browser's or the
 *  signaling's, which notices soon: an answer that was on its way then does not come any more, or only after a long time. */
import type { Client } from "../client.js";
import type { UploadPorts } from "./upload.js";

export type Watched = Pick<Client, "getSnapshot" | "subscribe">;

/** Calls when the network goes or is back; what it returns ends that. */
function onNews(client: Watched, listener: (isBack: boolean) => void): () => void {
  const isConnected = () => client.getSnapshot().connection === "connected";
  let was = isConnected();
  const unsubscribe = client.subscribe(() => {
    if (isConnected() === was) return;
    was = !was;
    listener(was);
  });
  const onLine = ({ type }: Event) => listener(type === "online");
  for (const type of ["online", "offline"]) addEventListener(type, onLine);
  return () => {
    unsubscribe();
    for (const type of ["online", "offline"]) removeEventListener(type, onLine);
  };
}

export function patienceOf(client: Watched): Pick<UploadPorts, "wait" | "within"> {
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          forget();
          resolve();
        };
        const timer = setTimeout(finish, ms);
        const forget = onNews(client, (isBack) => isBack && finish());
      }),
    within: async (ms, ask) => {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new DOMException("There is no answer.", "TimeoutError")), ms);
      const forget = onNews(client, () => controller.abort());
      try {
        return await ask(controller.signal);
      } finally {
        clearTimeout(timer);
        forget();
      }
    },
  };
}
