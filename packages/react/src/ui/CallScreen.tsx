/** Everything that is seen of calls, tied to the client: put it once where calls shall appear. Shows nothing while
 *  there is no call; an incoming one is asked about in a dialog over the page, outside of this place, which may be
 *  hidden as long as it is empty. */
import type { CallSnapshot, ParticipantSnapshot } from "@bellwire/client";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useCall, useConnection, useIncomingCall, useLocalMedia } from "../hooks.js";
import { useDevices } from "../useDevices.js";
import { useUnfinishedRecordings } from "../useRecording.js";
import { announcement } from "./announce.js";
import { CallEnded } from "./CallEnded.js";
import { CallView } from "./CallView.js";
import { ConnectionBanner } from "./ConnectionBanner.js";
import { DeviceMenu } from "./DeviceMenu.js";
import { endedText } from "./endedText.js";
import { errorText } from "./errorText.js";
import { adviceFor, type FaceOf, otherTiles, ownTile, peerOf, plainFace } from "./faces.js";
import { IncomingCallDialog } from "./IncomingCallDialog.js";
import { Notice } from "./Notice.js";
import { OutgoingCall, type OutgoingCallProps } from "./OutgoingCall.js";
import { QualityHint, useDismissedHints } from "./QualityHint.js";
import { useTexts } from "./texts.js";
import { useRecordingParts } from "./useRecordingParts.js";

export interface CallScreenProps {
  /** How users are shown, if the host knows more of them than their tokens say. */
  faceOf?: FaceOf;
  /** The bell of an incoming call, the tone while it rings at the other side; both unless told otherwise. */
  ringtone?: boolean;
  ringback?: boolean;
  /** Begin without playing the others' sound, and show a button for it: for several clients in one room. */
  startSilent?: boolean;
  /** A button to record calls; for users whose tokens allow it. Every one is told of recordings and asked for consent. */
  canRecord?: boolean;
  /** More buttons beside ours in a running call. */
  extraControls?: ReactNode;
}

type Trouble = CallSnapshot["error"];

/** Asks again for what is not there: the microphone, and in a video call the camera. */
function useDeviceRetry({ local, callType }: CallSnapshot): () => void {
  const { setMicrophoneEnabled, setCameraEnabled } = useCall();
  return () => {
    if (!local.isMicrophoneEnabled) setMicrophoneEnabled(true);
    if (callType === "video" && !local.isCameraEnabled) setCameraEnabled(true);
  };
}

/** Trouble with a device or with the call itself, until it is put aside. */
function Troubles({ call }: { call: CallSnapshot }) {
  const texts = useTexts();
  const [seen, setSeen] = useState<readonly Trouble[]>([]);
  const { state } = useConnection();
  const retry = useDeviceRetry(call);
  const errors = [call.local.error, call.error].filter((error) => error !== null && !seen.includes(error));
  return (
    <>
      <ConnectionBanner state={state} isInCall />
      {errors.map(
        (error) =>
          error && (
            <Notice
              key={error.code}
              action={error === call.local.error ? { label: texts.tryAgain, onClick: retry } : undefined}
              onDismiss={() => setSeen((list) => [...list, error])}
            >
              {errorText(texts, error)}
            </Notice>
          ),
      )}
    </>
  );
}

/** What to do about the worst connection, until it is put aside; each kind of advice once. */
function Advice({ call }: { call: CallSnapshot }) {
  const [hint, dismiss] = useDismissedHints(adviceFor(call.participants));
  return <QualityHint hint={hint} onDismiss={dismiss} />;
}

function progressOf(call: CallSnapshot): OutgoingCallProps["progress"] {
  if (call.isRemoteRinging) return "ringing";
  return call.isUnreachable ? "unreachable" : "calling";
}

const canShareScreen = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

interface PartProps {
  call: CallSnapshot;
  faceOf: FaceOf;
  wantsVideo: boolean;
}

function useOwnTile({ call, faceOf, wantsVideo }: PartProps) {
  const { user } = useConnection();
  const { id = "", name = null, avatarUrl = null } = user ?? {};
  return ownTile(call.local, wantsVideo, faceOf({ userId: id, name, avatarUrl }));
}

function Outgoing(props: PartProps & { ringback: boolean }) {
  const { call, faceOf, ringback } = props;
  const texts = useTexts();
  const { hangUp } = useCall();
  const { toggleMicrophone, toggleCamera } = useLocalMedia();
  return (
    <OutgoingCall
      callee={peerOf(call.participants, call, faceOf, texts)}
      progress={progressOf(call)}
      own={useOwnTile(props)}
      ringback={ringback}
      notice={<Troubles call={call} />}
      onToggleMute={toggleMicrophone}
      onToggleVideo={toggleCamera}
      onCancel={hangUp}
    />
  );
}

function Running(props: PartProps & { startSilent: boolean; canRecord: boolean; extraControls: ReactNode }) {
  const { call, faceOf, startSilent, canRecord, extraControls } = props;
  const recording = useRecordingParts(call, faceOf, canRecord);
  const { hangUp } = useCall();
  const { selected } = useDevices();
  const local = useLocalMedia();
  const [isSoundOff, setSoundOff] = useState(startSilent);
  return (
    <CallView
      own={useOwnTile(props)}
      others={otherTiles(call, faceOf)}
      answeredAt={call.answeredAt}
      isReconnecting={call.state === "reconnecting"}
      isSoundOff={isSoundOff}
      speakerId={selected.speaker}
      isScreenSharing={local.isScreenSharing}
      recording={recording.badge}
      notice={
        <>
          {recording.notice}
          <Troubles call={call} />
          <Advice call={call} />
        </>
      }
      onToggleMute={local.toggleMicrophone}
      onToggleVideo={local.toggleCamera}
      onToggleScreen={canShareScreen() ? local.toggleScreenShare : undefined}
      onToggleSound={startSilent ? () => setSoundOff((isOff) => !isOff) : undefined}
      extraControls={
        <>
          <DeviceMenu />
          {recording.controls}
          {extraControls}
        </>
      }
      onHangUp={hangUp}
    />
  );
}

/** Seconds of talk; the one who hangs up knows them before the server has told. */
function talkOf({ duration, answeredAt, endedAt }: CallSnapshot): number {
  if (duration > 0 || answeredAt === null || endedAt === null) return duration;
  return Math.max(0, Math.round((endedAt - answeredAt) / 1000));
}

function Ended({ call, faceOf }: Omit<PartProps, "wantsVideo">) {
  const texts = useTexts();
  const { start, dismiss } = useCall();
  const peer = peerOf(call.participants, call, faceOf, texts);
  const { direction, endReason: reason } = call;
  const callAgain = () => {
    const participants = [...new Set(call.participants.map(({ userId }: ParticipantSnapshot) => userId))];
    start({ channelId: call.channelId, participants, mode: call.mode, type: call.callType });
  };
  const text =
    reason === "failed" && call.error
      ? errorText(texts, call.error)
      : endedText(texts, { reason, duration: talkOf(call), direction, peerName: peer.name });
  // Without a name it would call the whole channel.
  const canCallAgain = call.participants.length > 0;
  return <CallEnded peer={peer} text={text} onCallAgain={canCallAgain ? callAgain : undefined} onClose={dismiss} />;
}

/** What was answered here last. */
interface Given {
  callId: string;
  withVideo: boolean;
}

interface IncomingProps {
  faceOf: FaceOf;
  ringtone: boolean;
  given: Given | null;
  onGiven: (answer: Given) => void;
}

function Incoming({ faceOf, ringtone, given, onGiven }: IncomingProps) {
  const texts = useTexts();
  const { call, accept, decline } = useIncomingCall();
  if (!call) return null;
  const caller = call.participants.find(({ userId }) => userId === call.startedBy);
  return createPortal(
    <IncomingCallDialog
      key={call.id}
      caller={faceOf(caller ?? { userId: call.startedBy, name: null, avatarUrl: null })}
      callType={call.callType}
      isGroup={call.mode === "group"}
      isWaiting={call.isWaiting}
      ringtone={ringtone}
      trouble={call.error && errorText(texts, call.error)}
      isBusy={given?.callId === call.id && call.error === null}
      onAccept={(withVideo) => {
        onGiven({ callId: call.id, withVideo });
        accept({ audio: true, video: withVideo });
      }}
      onDecline={() => {
        onGiven({ callId: call.id, withVideo: false });
        decline();
      }}
    />,
    document.body,
  );
}

/** The last thing worth telling; it stays until the next, for a live region speaks only when its text changes. */
function Announcer({ call, faceOf }: { call: CallSnapshot | null; faceOf: FaceOf }) {
  const texts = useTexts();
  const before = useRef<CallSnapshot | null>(null);
  const [text, setText] = useState("");
  useEffect(() => {
    // Worked out now: React may run an updater after the line below.
    const news = call && announcement(texts, before.current, call, faceOf);
    if (news) setText(news);
    before.current = call;
  }, [call, texts, faceOf]);
  return (
    <div className="bw bw-visually-hidden" aria-live="polite">
      {text}
    </div>
  );
}

/** When a call is put away, the focus goes back to where it was before: to the button that called, say. */
function useFocusBack(hasCall: boolean) {
  const before = useRef<Element | null>(null);
  // Before the stage takes it.
  useLayoutEffect(() => {
    if (hasCall) before.current = document.activeElement;
  }, [hasCall]);
  useEffect(() => {
    const element = before.current;
    if (hasCall || !(element instanceof HTMLElement)) return;
    // By then the page has enabled and shown again what the call had taken away.
    const frame = requestAnimationFrame(() => {
      if (document.activeElement === document.body) element.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [hasCall]);
}

export function CallScreen(props: CallScreenProps): ReactNode {
  const {
    faceOf = plainFace,
    ringtone = true,
    ringback = true,
    startSilent = false,
    canRecord = false,
    extraControls,
  } = props;
  const { call } = useCall();
  useFocusBack(call !== null);
  useUnfinishedRecordings(canRecord);
  const [given, setGiven] = useState<Given | null>(null);
  const isRingingOut = call?.state === "ringing-out" || (call?.state === "idle" && call.direction === "outgoing");
  const wantsVideo = given !== null && given.callId === call?.id ? given.withVideo : call?.callType === "video";
  return (
    <>
      <Incoming faceOf={faceOf} ringtone={ringtone} given={given} onGiven={setGiven} />
      <Announcer call={call} faceOf={faceOf} />
      {call && isRingingOut && (
        <Outgoing key={call.id} call={call} faceOf={faceOf} wantsVideo={wantsVideo} ringback={ringback} />
      )}
      {call && !isRingingOut && call.state !== "ended" && (
        <Running key={call.id} {...{ call, faceOf, wantsVideo, startSilent, canRecord, extraControls }} />
      )}
      {call?.state === "ended" && <Ended key={call.id} call={call} faceOf={faceOf} />}
    </>
  );
}
