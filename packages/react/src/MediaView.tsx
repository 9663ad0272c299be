/** A stream on the page: a picture with its sound, or the sound alone. */
import { type ReactNode, useEffect, useRef } from "react";

export interface MediaViewProps {
  stream: MediaStream | null;
  /** "audio" plays the sound without showing anything. */
  kind?: "video" | "audio";
  /** One's own stream is always muted, or it would echo. */
  muted?: boolean;
  /** The loudspeaker, where the browser can choose one. */
  speakerId?: string | null;
  className?: string;
  /** The browser wants a click before it plays sound. */
  onBlocked?: () => void;
}

export function MediaView(props: MediaViewProps): ReactNode {
  const { stream, kind = "video", muted = false, speakerId = null, className, onBlocked } = props;
  const ref = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const blocked = useRef(onBlocked);
  blocked.current = onBlocked;

  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    element.srcObject = stream;
    if (stream) {
      element.play().catch((error: unknown) => {
        if (error instanceof DOMException && error.name === "NotAllowedError") blocked.current?.();
      });
    }
    return () => {
      element.srcObject = null;
    };
  }, [stream]);

  useEffect(() => {
    // A device that is gone: the browser stays with the one that it had.
    if (speakerId !== null) ref.current?.setSinkId?.(speakerId).catch(() => {});
  }, [speakerId]);

  const Element = kind;
  return (
    <Element ref={ref} className={className} muted={muted} autoPlay playsInline={kind === "video" ? true : undefined} />
  );
}
