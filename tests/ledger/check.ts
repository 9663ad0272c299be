// The judge: compares what clients were told with what the database holds, and says every rule that is broken.
import type { Entry, Journal } from "./journal.js";
import type { CallRow, PersonRow, Rows } from "./rows.js";

const live = new Set(["ringing", "active"]);
const lastWords = new Set(["call.ended", "call.cancelled", "call.missed"]);
const liveStates = new Set(["invited", "ringing", "joined", "reconnecting"]);

/** docs/guide/calls.md: which reasons a status may have. */
const reasonsOf: Record<string, string[]> = {
  ringing: ["none"],
  active: ["none"],
  missed: ["no_answer", "cancelled", "caller_lost", "busy", "ended_by_api", "ended_by_host"],
  declined: ["declined"],
  ended: [
    ...["hangup", "connection_lost", "connect_failed", "alone"],
    ...["ended_by_host", "ended_by_api", "max_duration", "server_restart"],
  ],
};

/** What a call that was seen with a status may have become. */
const becomes: Record<string, string[]> = {
  ringing: ["ringing", "active", "ended", "missed", "declined"],
  active: ["active", "ended"],
  ended: ["ended"],
  missed: ["missed"],
  declined: ["declined"],
};

type Say = (sentence: string) => void;

// --- the database by itself ---

function checkNumbers(call: CallRow, say: Say): void {
  if (call.events.some((event, index) => event.seq !== index + 1)) say("seq of its events is not 1, 2, 3, …");
  if (call.events.length !== call.seq) say(`has ${call.events.length} events but seq ${call.seq}`);
  const late = call.events.findIndex((event, index) => event.at < (call.events[index - 1]?.at ?? 0));
  if (late > 0) say(`its events go back in time: ${call.events.map(({ at, type }) => `${type} ${at}`).join(", ")}`);
}

function checkStatus(call: CallRow, say: Say): void {
  if (!reasonsOf[call.status]?.includes(call.endReason)) say(`${call.status} with reason ${call.endReason}`);
  if ((call.status === "active" || call.status === "ended") !== call.answeredAt > 0)
    say(`${call.status} with answeredAt ${call.answeredAt}`);
  if (live.has(call.status) !== (call.endedAt === 0)) say(`${call.status} with endedAt ${call.endedAt}`);
  if (call.answeredAt && call.answeredAt < call.startedAt) say("answered before it began");
  if (call.endedAt && call.endedAt < Math.max(call.startedAt, call.answeredAt)) say("ended before it began");
}

function checkHappenings(call: CallRow, say: Say): void {
  const times = (type: string) => call.events.filter((event) => event.type === type).length;
  const due = live.has(call.status) ? 0 : 1;
  if (times("call.ended") !== due) say(`${call.status}, with ${times("call.ended")} call.ended`);
  const answered = call.answeredAt ? 1 : 0;
  if (times("call.accepted") > answered || (answered && call.mode === "direct" && !times("call.accepted")))
    say(`answered at ${call.answeredAt}, with ${times("call.accepted")} call.accepted`);
  const end = call.events.find((event) => event.type === "call.ended");
  if (!end) return;
  const seconds = call.answeredAt ? Math.floor((call.endedAt - call.answeredAt) / 1000) : 0;
  if (end.payload.duration !== seconds) say(`tells duration ${end.payload.duration}, took ${seconds}`);
  if (end.payload.status !== call.status || end.payload.reason !== call.endReason)
    say(`tells ${end.payload.status}/${end.payload.reason}, is ${call.status}/${call.endReason}`);
  if (call.events.at(-1) !== end) say("something happened after its end");
}

function checkPerson(call: CallRow, person: PersonRow, say: Say): void {
  const who = person.userId;
  if (["missed", "declined", "cancelled"].includes(person.state) && person.joinedAt)
    say(`${who} both joined and is ${person.state}`);
  if (person.state === "joined" && !person.joinedAt) say(`${who} is in it and never joined`);
  if (person.leftAt && person.leftAt < person.joinedAt) say(`${who} left before joining`);
  if (live.has(call.status)) return;
  if (liveStates.has(person.state)) say(`is over and ${who} is still ${person.state}`);
  if (person.outcome === "ongoing") say(`is over and has no outcome for ${who}`);
  const length = call.answeredAt ? call.endedAt - call.answeredAt : 0;
  if (person.talkSince || person.talkMs > length) say(`${who} talked longer than it lasted`);
  if (call.status === "ended" && call.mode === "direct" && person.talkMs !== length)
    say(`lasted ${length} ms and ${who} talked ${person.talkMs}`);
}

function checkPeople(call: CallRow, say: Say): void {
  if (call.people.length === 0 || (call.mode === "direct" && call.people.length !== 2))
    say(`a ${call.mode} call with ${call.people.length} people`);
  if (!call.people.some((person) => person.userId === call.startedBy)) say("its starter is not in it");
  for (const person of call.people) checkPerson(call, person, say);
  const inside = call.people.filter((person) => person.state === "joined").length;
  if (!live.has(call.status) && call.openLegs) say(`is over with ${call.openLegs} devices in it`);
  if (call.status === "active" && (inside === 0 || call.openLegs === 0)) say("is active with nobody in it");
}

function checkTags(rows: Rows, say: Say): void {
  const seen = new Map<string, string>();
  for (const { tag, id } of rows.calls.values()) {
    if (tag && seen.has(tag)) say(`one request made two calls: ${seen.get(tag)} and ${id}`);
    seen.set(tag, id);
  }
}

/** Rules that hold in the database at any moment, whatever was told to whom. */
export function checkRows(rows: Rows): string[] {
  const broken: string[] = [];
  if (rows.integrity !== "ok") broken.push(`the file is damaged: ${rows.integrity}`);
  if (rows.strays) broken.push(`${rows.strays} rows belong to no call`);
  checkTags(rows, (sentence) => broken.push(sentence));
  for (const call of rows.calls.values()) {
    const say = (sentence: string) => broken.push(`call ${call.id}: ${sentence}`);
    for (const check of [checkNumbers, checkStatus, checkHappenings, checkPeople]) check(call, say);
  }
  return broken;
}

// --- against the journal ---

const time = (text: string | null): number => (text === null ? 0 : Date.parse(text));

interface Told {
  channelId: string;
  startedBy: string;
  startedAt: string;
  status: string;
  answeredAt: string | null;
  endedAt: string | null;
  endReason: string | null;
  endedBy: string | null;
  seq: number;
  participants: { userId: string; joinedAt: string | null }[];
}

/** A call in an answer: whatever it said must still be so, or have moved on as calls do. */
function checkTold(told: Told, call: CallRow, say: Say): void {
  if (call.seq < told.seq) say(`was acknowledged at seq ${told.seq} and is at ${call.seq}: a change is lost`);
  if (!becomes[told.status]?.includes(call.status)) say(`was acknowledged ${told.status} and is ${call.status}`);
  if (told.channelId !== call.channelId || told.startedBy !== call.startedBy || time(told.startedAt) !== call.startedAt)
    say("is not the call that was acknowledged");
  if (told.answeredAt && time(told.answeredAt) !== call.answeredAt) say("was answered at another time than told");
  for (const { userId, joinedAt } of told.participants) {
    const person = call.people.find((one) => one.userId === userId);
    if (!person) say(`has lost ${userId}`);
    else if (joinedAt && time(joinedAt) !== person.joinedAt) say(`${userId} joined at another time than told`);
  }
  if (live.has(told.status)) return;
  const same =
    told.seq === call.seq &&
    time(told.endedAt) === call.endedAt &&
    told.endReason === call.endReason &&
    (told.endedBy ?? "") === call.endedBy;
  if (!same)
    say(`changed after its end: told ${told.endReason} at seq ${told.seq}, is ${call.endReason} at ${call.seq}`);
}

/** A numbered event that somebody heard must be the one that was committed with this number. */
function checkHeard(entry: Entry, call: CallRow, say: Say): void {
  const row = call.events[entry.seq - 1];
  if (!row) return say(`${entry.device} heard ${entry.what} (seq ${entry.seq}), which was never committed`);
  if (row.type !== entry.what) say(`${entry.device} heard ${entry.what} as seq ${entry.seq}, which is ${row.type}`);
  if (entry.payload.ts && time(entry.payload.ts) !== row.at) say(`seq ${entry.seq} was told with another time`);
  for (const [name, value] of Object.entries(row.payload))
    if (JSON.stringify(entry.payload[name]) !== JSON.stringify(value) && name !== "msLeft")
      say(`seq ${entry.seq} (${entry.what}) was told with another ${name}`);
}

/** Whether this person came in after all, later than this event. */
const cameAfter = (call: CallRow | undefined, { user, seq }: Entry): boolean =>
  !!call?.events.some(
    (event) => event.seq > seq && event.type === "participant.joined" && event.payload.userId === user,
  );

/** What one device heard of one call, in order. */
function checkDevice(device: string, heard: Entry[], call: CallRow | undefined, say: Say): void {
  const story = () => heard.map((entry) => `${entry.seq} ${entry.what}`).join(", ");
  heard.forEach((entry, index) => {
    const before = heard[index - 1];
    if (before && entry.seq === before.seq) say(`${device} heard seq ${entry.seq} twice: ${story()}`);
    else if (before && entry.seq < before.seq) say(`${device} heard seq ${entry.seq} too late: ${story()}`);
  });
  // Who has missed the ringing of a group call may join it nevertheless, and hears its end then.
  const ends = heard.filter((entry) => lastWords.has(entry.what) && !cameAfter(call, entry));
  if (ends.length > 1) say(`${device} heard ${ends.length} last words: ${story()}`);
}

/** Numbered events by call and device. */
function byDevice(journal: Journal): Map<string, Map<string, Entry[]>> {
  const calls = new Map<string, Map<string, Entry[]>>();
  for (const entry of journal.entries) {
    if (entry.kind !== "event" || !entry.seq) continue;
    const devices = calls.get(entry.callId) ?? new Map<string, Entry[]>();
    calls.set(entry.callId, devices);
    devices.set(entry.device, [...(devices.get(entry.device) ?? []), entry]);
  }
  return calls;
}

/** Rules between the journal and the database, at any moment. */
export function checkJournal(journal: Journal, rows: Rows): string[] {
  const broken = new Set<string>();
  for (const entry of journal.entries) {
    if (entry.kind === "refusal" && entry.payload?.code === "internal") broken.add(`${entry.what}: an internal error`);
    if (!entry.callId || (entry.kind === "event" && !entry.seq)) continue;
    const say = (sentence: string) => broken.add(`call ${entry.callId}: ${sentence}`);
    const call = rows.calls.get(entry.callId);
    if (!call) say(`${entry.kind === "ack" ? "acknowledged" : "heard of"} by ${entry.what}, and lost`);
    else if (entry.kind === "ack") checkTold(entry.payload.call, call, say);
    else if (entry.kind === "event") checkHeard(entry, call, say);
  }
  for (const [callId, devices] of byDevice(journal))
    for (const [device, heard] of devices)
      checkDevice(device, heard, rows.calls.get(callId), (sentence) => broken.add(`call ${callId}: ${sentence}`));
  return [...broken];
}

/** Rules for when every window has run out: nothing is live, and whoever is there has heard how it ended. */
export function checkSettled(journal: Journal, rows: Rows): string[] {
  const broken: string[] = [];
  for (const call of rows.calls.values())
    if (live.has(call.status)) broken.push(`call ${call.id}: is ${call.status} after all windows`);
  for (const [callId, devices] of byDevice(journal)) {
    const people = new Set(rows.calls.get(callId)?.people.map((person) => person.userId));
    for (const [device, heard] of devices) {
      if (!journal.present.has(device) || !people.has((heard[0] as Entry).user)) continue;
      if (!heard.some((entry) => lastWords.has(entry.what)))
        broken.push(`call ${callId}: ${device} never heard how it ended (last: ${heard.at(-1)?.what})`);
    }
  }
  return broken;
}

/** Everything that can be said at any moment. */
export const check = (journal: Journal, rows: Rows): string[] => [...checkRows(rows), ...checkJournal(journal, rows)];
