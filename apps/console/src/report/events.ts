/** The entries of a timeline in words. */
import type { TimelineEntry } from "../api.js";
import type { Report } from "./model.js";
import { wayOf } from "./ways.js";

const WORDS: Record<string, string> = {
  "call.started": "called",
  "call.incoming": "The call rings",
  "call.ringing": "A device rings",
  "call.unreachable": "No device answers",
  "call.accepted": "accepted",
  "call.answered-elsewhere": "stops ringing elsewhere",
  "call.declined-elsewhere": "stops ringing elsewhere",
  "call.declined": "declined",
  "call.cancelled": "cancelled",
  "call.missed": "The call was missed",
  "call.ended": "The call ended",
  "call.moved": "moved to another device",
  "call.active": "The call runs",
  "call.recording": "recording",
  "participant.joined": "joined",
  "participant.admitted": "was let in",
  "participant.left": "left",
  "participant.reconnecting": "lost the connection to the server",
  "participant.resumed": "came back",
  "quality.degraded": "The connection became poor",
};

const ON = ["turned off", "turned on"];

/** Details that the type alone does not tell. */
function detail({ type, data, actorId }: TimelineEntry, nameOf: (leg: string) => string): string | null {
  const text = (key: string) => (typeof data[key] === "string" ? (data[key] as string) : "");
  const peer = text("peer") ? ` (with ${nameOf(text("peer"))})` : "";
  switch (type) {
    case "participant.muted":
      return data.isMuted ? "muted the microphone" : "unmuted the microphone";
    case "participant.video-toggled":
      return `${ON[data.isVideoEnabled ? 1 : 0]} the camera`;
    case "participant.screen-toggled":
      return data.isScreenSharing ? "shares the screen" : "stopped sharing the screen";
    case "participant.quality":
      return `connection: ${text("connectionQuality")}`;
    case "call.recording":
      return `recording ${text("state")}`;
    case "call.ended":
      return `${actorId ? "ended the call" : "The call ended"}: ${text("reason").replaceAll("_", " ")}`;
    case "client.media":
      return `media ${text("state")}${peer}`;
    case "client.path":
      return text("from")
        ? `moved from ${wayOf(text("from"))} to ${wayOf(text("state"))}${peer}`
        : `takes ${wayOf(text("state"))}${peer}`;
    case "client.quality":
      return `measured: ${text("state")}${peer}`;
    case "client.limit":
      return text("state") === "none" ? `encoder no longer limited${peer}` : `encoder limited: ${text("state")}${peer}`;
    case "client.picture":
      return text("state") === "frozen" ? `sees no pictures${peer}` : `sees pictures again${peer}`;
    case "client.restart":
      return `looks for a new way${peer}`;
    case "client.recording":
      return text("state") === "on" ? "this device records" : "this device records no longer";
    case "client.track":
      return `${text("slot")} ${text("state")}`;
    default:
      return null;
  }
}

/** Whose deed it is (null: it befell all, or the words are a sentence of their own), and what. */
export function describe(entry: TimelineEntry, report: Report, nameOfLeg: (leg: string) => string) {
  const what = detail(entry, nameOfLeg) ?? WORDS[entry.type] ?? entry.type;
  const who = entry.actorId && !/^[A-Z]/.test(what) ? report.nameOf(entry.actorId) : null;
  return { who, what, isNotable: !/^client\.(track|quality)$|participant\.quality/.test(entry.type) };
}
