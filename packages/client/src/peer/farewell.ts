/** Closes a connection at a moment when the browser lets go of it. Chromium keeps one for ever that is closed while an
 *  event of its waits to be told, and there are such events until candidates are gathered and the way is found. */

/** A connection that finds no way at all is closed all the same; nothing is sent in it any more. */
const PATIENCE_MS = 1000;
const EVENTS = ["icegatheringstatechange", "connectionstatechange"];

function isCalm({ connectionState, iceGatheringState }: RTCPeerConnection): boolean {
  return connectionState !== "connecting" && iceGatheringState !== "gathering";
}

export function closeCalmly(pc: RTCPeerConnection): void {
  if (isCalm(pc)) return pc.close();
  const looking = new AbortController();
  const close = () => {
    looking.abort();
    pc.close();
  };
  const patience = setTimeout(close, PATIENCE_MS);
  const look = () => {
    if (!isCalm(pc)) return;
    looking.abort();
    clearTimeout(patience);
    setTimeout(close, 0); // the other events of this moment are told before
  };
  for (const event of EVENTS) pc.addEventListener(event, look, { signal: looking.signal });
}
