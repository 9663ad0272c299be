/** Whole pictures after a change of the way. What was lost before cannot be asked for again, and a decoder that lacks it
 *  would wait for seconds before it asks for a picture that stands alone. */

/** Browsers have no word for it; a sender that is switched off and on again begins with one. */
export async function sendWholePicture(sender: RTCRtpSender): Promise<void> {
  for (const active of [false, true]) {
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings ?? [];
    if (!encoding || !sender.track) return;
    encoding.active = active;
    await sender.setParameters(parameters);
  }
}

/** A picture that was sent at once may be lost with the rest of what still took the old way. */
const AGAIN_MS = 1000;

/** Calls back whenever media takes another way than before, and once more a little later. Everything is bundled, so any
 *  sender knows it. */
export function onWayChange(pc: RTCPeerConnection, callback: () => void, signal: AbortSignal): void {
  const ice: EventTarget | undefined = pc.getSenders?.()[0]?.transport?.iceTransport;
  let again: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    clearTimeout(again);
    again = setTimeout(callback, AGAIN_MS);
    callback();
  };
  ice?.addEventListener("selectedcandidatepairchange", tell, { signal });
  signal.addEventListener("abort", () => clearTimeout(again));
}
