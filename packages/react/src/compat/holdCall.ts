/** Who holds a place in a call. It is left a moment after the last one let go, so that StrictMode's second mount does
 *  not leave and enter again. */
import type { Call, Client } from "@bellwire/client";

/** Longer than a remount takes, shorter than anybody would notice. */
const LEAVE_AFTER_MS = 200;

interface Place {
  holders: number;
  joining: Promise<Call>;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const places = new WeakMap<Client, Map<string, Place>>();

/** Joins if nobody else has. A call that still rings is not cancelled when its page goes. */
export function holdCall(client: Client, callId: string): { joining: Promise<Call>; release: () => void } {
  const ofClient = places.get(client) ?? new Map<string, Place>();
  places.set(client, ofClient);
  const place = ofClient.get(callId) ?? { holders: 0, joining: client.join(callId), timer: undefined };
  ofClient.set(callId, place);
  place.holders++;
  clearTimeout(place.timer);
  const leave = () => {
    ofClient.delete(callId);
    const call = client.getCall(callId);
    if (call && call.getSnapshot().answeredAt !== null) void call.hangUp();
  };
  const release = () => {
    place.holders--;
    if (place.holders === 0) place.timer = setTimeout(leave, LEAVE_AFTER_MS);
  };
  return { joining: place.joining, release };
}
