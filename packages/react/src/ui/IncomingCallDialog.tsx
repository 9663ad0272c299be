/** Somebody calls: who, and the two or three answers to it. */
import { type KeyboardEvent, useEffect, useId, useRef } from "react";
import { Avatar, type Face } from "./Avatar.js";
import { CameraIcon, HangUpIcon, PhoneIcon } from "./icons.js";
import { useTexts } from "./texts.js";
import { useRingtone } from "./useRingtone.js";

export interface IncomingCallDialogProps {
  caller: Face;
  callType: "audio" | "video";
  isGroup?: boolean;
  /** One is in another call already: a card in the corner instead of a dialog over the page, without ringing. */
  isWaiting?: boolean;
  ringtone?: boolean;
  /** An answer was given and is under way. */
  isBusy?: boolean;
  /** Why the answer did not get through, in words. */
  trouble?: string | null;
  onAccept: (withVideo: boolean) => void;
  onDecline: () => void;
}

/** Keys that come sooner belong to what one was typing when the call came in. */
const KEY_GUARD_MS = 600;

function useOpenDialog(isModal: boolean) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (isModal) {
      dialog.showModal();
      dialog.focus();
    } else {
      dialog.open = true; // show() would take the focus away from the running call
    }
    return () => dialog.close();
  }, [isModal]);
  return ref;
}

/** Enter on the dialog itself accepts, Escape declines; on a button they do what buttons do. */
function useAnswerKeys({ onAccept, onDecline, callType, isBusy }: IncomingCallDialogProps) {
  const openedAt = useRef(0);
  useEffect(() => {
    openedAt.current = performance.now();
  }, []);
  return (event: KeyboardEvent<HTMLDialogElement>) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    const isOnDialog = event.target === event.currentTarget;
    const isTooSoon = event.repeat || performance.now() - openedAt.current < KEY_GUARD_MS;
    if (isTooSoon || isBusy) event.preventDefault();
    else if (event.key === "Escape") {
      event.preventDefault();
      onDecline();
    } else if (isOnDialog) onAccept(callType === "video");
  };
}

function Answers({ callType, isBusy, onAccept, onDecline }: IncomingCallDialogProps) {
  const texts = useTexts();
  const isVideo = callType === "video";
  return (
    <div className="bw-incoming__answers">
      <button
        type="button"
        className="bw-button bw-button--primary"
        aria-label={isVideo ? texts.acceptWithVideo : texts.accept}
        disabled={isBusy}
        onClick={() => onAccept(isVideo)}
      >
        {isVideo ? <CameraIcon /> : <PhoneIcon />}
        {texts.accept}
      </button>
      {isVideo && (
        <button type="button" className="bw-button" disabled={isBusy} onClick={() => onAccept(false)}>
          <PhoneIcon />
          {texts.audioOnly}
        </button>
      )}
      <button type="button" className="bw-button bw-button--danger" disabled={isBusy} onClick={onDecline}>
        <HangUpIcon />
        {texts.decline}
      </button>
    </div>
  );
}

export function IncomingCallDialog(props: IncomingCallDialogProps) {
  const { caller, callType, isWaiting = false, ringtone = true } = props;
  const texts = useTexts();
  const id = useId();
  const ref = useOpenDialog(!isWaiting);
  const onKeyDown = useAnswerKeys(props);
  const isSilenced = useRingtone(ringtone && !isWaiting && !props.isBusy ? "incoming" : null);
  const oneToOne = callType === "video" ? texts.incomingVideo : texts.incomingAudio;
  const kind = props.isGroup ? texts.incomingGroup : oneToOne;
  return (
    <dialog
      ref={ref}
      className={isWaiting ? "bw bw-incoming bw-incoming--waiting" : "bw bw-incoming"}
      role="alertdialog"
      aria-labelledby={`${id}-name`}
      aria-describedby={`${id}-kind`}
      // The focus begins on the dialog and not on a button, so that a space meant for a text answers nothing.
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onCancel={(event) => event.preventDefault()}
    >
      <Avatar face={caller} size={isWaiting ? 48 : 96} pulse={!isWaiting} />
      <div className="bw-incoming__who">
        <h2 id={`${id}-name`} className="bw-incoming__name">
          {caller.name}
        </h2>
        <p id={`${id}-kind`} className="bw-incoming__kind">
          {isWaiting ? texts.waiting : kind}
        </p>
        {isSilenced && <p className="bw-incoming__hint">{texts.clickToRing}</p>}
      </div>
      {props.trouble && (
        <p className="bw-incoming__trouble" role="alert">
          {props.trouble}
        </p>
      )}
      <Answers {...props} />
    </dialog>
  );
}
