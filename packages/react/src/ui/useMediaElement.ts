/** Plays a stream in a video element, and says whether pictures have come. */
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { onGesture } from "./gesture.js";

export interface MediaElementState {
  ref: RefObject<HTMLVideoElement | null>;
  /** At least one picture of the present stream was decoded. */
  hasPicture: boolean;
  /** The browser wants a click before it plays sound; the next click anywhere starts it. */
  isBlocked: boolean;
  onPicture: () => void;
}

function useRetryOnGesture(isBlocked: boolean, play: () => void) {
  useEffect(() => {
    return isBlocked ? onGesture(play) : undefined;
  }, [isBlocked, play]);
}

/** `speakerId`: the loudspeaker, where the browser can choose one; null is the system's default. */
export function useMediaElement(stream: MediaStream | null, speakerId: string | null = null): MediaElementState {
  const ref = useRef<HTMLVideoElement>(null);
  const [pictureOf, setPictureOf] = useState<MediaStream | null>(null);
  const [isBlocked, setBlocked] = useState(false);

  const play = useCallback(() => {
    ref.current?.play().then(
      () => setBlocked(false),
      (error: unknown) => setBlocked(error instanceof DOMException && error.name === "NotAllowedError"),
    );
  }, []);

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.srcObject = stream;
    if (stream) play();
    return () => {
      element.srcObject = null;
    };
  }, [stream, play]);

  useEffect(() => {
    // A loudspeaker that is gone: the browser stays with the one that it had.
    ref.current?.setSinkId?.(speakerId ?? "").catch(() => {});
  }, [speakerId]);

  const onPicture = useCallback(() => {
    if (ref.current && ref.current.videoWidth > 0) setPictureOf(stream);
  }, [stream]);

  useRetryOnGesture(isBlocked, play);
  return { ref, hasPicture: stream !== null && pictureOf === stream, isBlocked, onPicture };
}
