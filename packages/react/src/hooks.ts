/** What components ask for. No hook opens a connection, and no action rejects: what goes wrong is in the snapshots. */
import type {
  BellwireError,
  Call,
  CallOptions,
  CallSnapshot,
  Client,
  ConnectionState,
  LocalSnapshot,
  MediaChoice,
  ParticipantSnapshot,
  Quality,
  User,
} from "@bellwire/client";
import { useCallback, useMemo } from "react";
import { useClient, useSnapshot } from "./context.js";

const quietly = (promise: Promise<unknown>) => {
  promise.catch(() => {});
};

export interface UseConnection {
  state: ConnectionState;
  error: BellwireError | null;
  user: User | null;
  /** Connects again after it failed. */
  retry: () => void;
}

export function useConnection(): UseConnection {
  const client = useClient();
  const state = useSnapshot(client, (s) => s.connection, "idle");
  const error = useSnapshot(client, (s) => s.error, null);
  const user = useSnapshot(client, (s) => s.user, null);
  const retry = useCallback(() => quietly(client.connect()), [client]);
  return { state, error, user, retry };
}

export interface CallActions {
  /** Calls somebody; null when it could not be made (the reason is in `call.error`, or in the connection's). */
  start: (options: CallOptions) => Promise<Call | null>;
  /** Enters a live call by its id. */
  join: (callId: string, media?: MediaChoice) => Promise<Call | null>;
  hangUp: () => void;
  /** Puts an ended call away. */
  dismiss: () => void;
  setMicrophoneEnabled: (on: boolean) => void;
  setCameraEnabled: (on: boolean) => void;
  setScreenShareEnabled: (on: boolean) => void;
}

export interface UseCall extends CallActions {
  /** null: there is none. */
  call: CallSnapshot | null;
  /** The same call, to listen to and to act on. */
  handle: Call | null;
}

function actionsOf(client: Client, handle: Call | null): CallActions {
  return {
    start: (options) => client.call(options).catch(() => null),
    join: (callId, media) => client.join(callId, media).catch(() => null),
    hangUp: () => handle && quietly(handle.hangUp()),
    dismiss: () => handle && client.dismiss(handle),
    setMicrophoneEnabled: (on) => handle && quietly(handle.setMicrophoneEnabled(on)),
    setCameraEnabled: (on) => handle && quietly(handle.setCameraEnabled(on)),
    setScreenShareEnabled: (on) => handle && quietly(handle.setScreenShareEnabled(on)),
  };
}

/** The current call, without its snapshot: who asks for less than the whole call is drawn less often. */
function useHandle(given: Call | null | undefined): { client: Client; handle: Call | null } {
  const client = useClient();
  const currentId = useSnapshot(client, (s) => s.current?.id ?? null, null);
  const handle = given === undefined ? (currentId === null ? null : client.getCall(currentId)) : given;
  return { client, handle };
}

/** The call that goes on here (or ended here last), or the one that is given. */
export function useCall(given?: Call | null): UseCall {
  const { client, handle } = useHandle(given);
  const call = useSnapshot(handle, (s): CallSnapshot | null => s, null);
  const actions = useMemo(() => actionsOf(client, handle), [client, handle]);
  return { call, handle, ...actions };
}

export interface UseIncomingCall {
  /** The oldest one that rings here. */
  call: CallSnapshot | null;
  handle: Call | null;
  /** All that ring here. */
  calls: readonly CallSnapshot[];
  accept: (media?: MediaChoice) => void;
  decline: () => void;
}

const NO_CALLS: readonly CallSnapshot[] = [];

export function useIncomingCall(): UseIncomingCall {
  const client = useClient();
  const calls = useSnapshot(client, (s) => s.incoming, NO_CALLS);
  const call = calls[0] ?? null;
  const handle = call ? client.getCall(call.id) : null;
  const accept = useCallback((media?: MediaChoice) => handle && quietly(handle.accept(media)), [handle]);
  const decline = useCallback(() => handle && quietly(handle.decline()), [handle]);
  return { call, handle, calls, accept, decline };
}

const NO_PARTICIPANTS: readonly ParticipantSnapshot[] = [];

/** Everyone but this device; each entry stays the same object until it changes. */
export function useParticipants(given?: Call | null): readonly ParticipantSnapshot[] {
  const { handle } = useHandle(given);
  return useSnapshot(handle, (s) => s.participants, NO_PARTICIPANTS);
}

/** One of them, by the entry's id or the user's; null while there is none. Others' changes draw nothing. */
export function useParticipant(id: string | null, given?: Call | null): ParticipantSnapshot | null {
  const { handle } = useHandle(given);
  const find = ({ participants }: CallSnapshot) =>
    participants.find((one) => one.id === id) ?? participants.find((one) => one.userId === id) ?? null;
  return useSnapshot(handle, find, null);
}

const WORST_FIRST: readonly Quality[] = ["poor", "fair", "good", "excellent"];

/** How well media gets through to a participant, or, without one, to the worst off of them; null before the first
 *  measurement. */
export function useConnectionQuality(participantId?: string, given?: Call | null): Quality | null {
  const { handle } = useHandle(given);
  const judge = ({ participants }: CallSnapshot) => {
    const asked = participants.filter((one) => participantId === undefined || isOne(one, participantId));
    return WORST_FIRST.find((quality) => asked.some((one) => one.connectionQuality === quality)) ?? null;
  };
  return useSnapshot(handle, judge, null);
}

const isOne = ({ id, userId }: ParticipantSnapshot, wanted: string) => id === wanted || userId === wanted;

const NOTHING_LOCAL: LocalSnapshot = {
  stream: null,
  screenStream: null,
  isMicrophoneEnabled: false,
  isCameraEnabled: false,
  isScreenSharing: false,
  error: null,
};

export interface UseLocalMedia extends LocalSnapshot {
  toggleMicrophone: () => void;
  toggleCamera: () => void;
  toggleScreenShare: () => void;
}

export function useLocalMedia(given?: Call | null): UseLocalMedia {
  const { handle } = useHandle(given);
  const local = useSnapshot(handle, (s) => s.local, NOTHING_LOCAL);
  const toggles = useMemo(() => {
    // Asked at the click: two quick clicks are on and off again.
    const now = () => handle?.getSnapshot().local ?? NOTHING_LOCAL;
    return {
      toggleMicrophone: () => handle && quietly(handle.setMicrophoneEnabled(!now().isMicrophoneEnabled)),
      toggleCamera: () => handle && quietly(handle.setCameraEnabled(!now().isCameraEnabled)),
      toggleScreenShare: () => handle && quietly(handle.setScreenShareEnabled(!now().isScreenSharing)),
    };
  }, [handle]);
  return { ...local, ...toggles };
}
