/** Camera and microphone before a call: what the others would see and hear. */
import { BellwireError, type Client, type MediaChoice } from "@bellwire/client";
import { useCallback, useEffect, useState } from "react";
import { useClient } from "./context.js";
import { recallDevices, rememberDevices } from "./memory.js";
import { useDevices } from "./useDevices.js";

export interface UseMediaPreview {
  /** What could be opened; null while nothing is. */
  stream: MediaStream | null;
  /** The browser asks for permission, or the devices start. */
  isOpening: boolean;
  /** Why a device is missing; the other one may be there. */
  error: BellwireError | null;
  isMicrophoneEnabled: boolean;
  isCameraEnabled: boolean;
  setMicrophoneEnabled: (on: boolean) => void;
  setCameraEnabled: (on: boolean) => void;
  /** Asks the browser again. */
  retry: () => void;
}

interface Opened {
  stream: MediaStream | null;
  error: BellwireError | null;
  isOpening: boolean;
}

const NOTHING: Opened = { stream: null, error: null, isOpening: true };

/** Both with one question of the browser's; if that fails, each alone, for one of them may be there. */
async function openSome({ devices }: Client, wish: MediaChoice): Promise<Opened> {
  const open = (part: MediaChoice) =>
    devices.open(part).then(
      (stream): Opened => ({ stream, error: null, isOpening: false }),
      (thrown: unknown): Opened => ({
        stream: null,
        error: BellwireError.from(thrown, "media_failed"),
        isOpening: false,
      }),
    );
  const both = await open(wish);
  if (both.stream || !wish.video) return both;
  const sound = await open({ audio: true });
  return { ...sound, error: both.error };
}

function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function useOpened(wantsVideo: boolean): Opened & { retry: () => void } {
  const client = useClient();
  const { selected } = useDevices();
  const { microphone, camera } = selected;
  const [opened, setOpened] = useState(NOTHING);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another device, or another attempt, opens anew
  useEffect(() => {
    let isGone = false;
    let mine: MediaStream | null = null;
    setOpened(NOTHING);
    openSome(client, { audio: true, video: wantsVideo }).then((now) => {
      mine = now.stream;
      if (isGone) stop(mine);
      else setOpened(now);
    });
    return () => {
      isGone = true;
      stop(mine);
    };
  }, [client, wantsVideo, microphone, camera, attempt]);
  const retry = useCallback(() => setAttempt((count) => count + 1), []);
  return { ...opened, retry };
}

/** Opens the devices as long as the component is there, and lets go of them with it. Whether microphone and camera are
 *  wished is remembered for the next time. */
export function useMediaPreview(wish: MediaChoice = {}): UseMediaPreview {
  const [remembered] = useState(recallDevices);
  const [wantsAudio, setAudio] = useState(wish.audio ?? remembered.audio);
  const [wantsVideo, setVideo] = useState(wish.video ?? remembered.video);
  const { stream, error, isOpening, retry } = useOpened(wantsVideo);
  const hasAudio = (stream?.getAudioTracks().length ?? 0) > 0;
  const setMicrophoneEnabled = useCallback(
    (on: boolean) => {
      setAudio(on);
      rememberDevices({ audio: on });
      if (on && !hasAudio) retry();
    },
    [hasAudio, retry],
  );
  const setCameraEnabled = useCallback(
    (on: boolean) => {
      setVideo(on);
      rememberDevices({ video: on });
      if (on) retry(); // also when it was wished already, and could not be had
    },
    [retry],
  );
  return {
    ...{ stream, isOpening, error, retry, setMicrophoneEnabled, setCameraEnabled },
    isMicrophoneEnabled: wantsAudio && (isOpening || hasAudio),
    isCameraEnabled: wantsVideo && (isOpening || (stream?.getVideoTracks().length ?? 0) > 0),
  };
}
