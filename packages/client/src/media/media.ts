/** Microphones, cameras and screens behind one interface; its errors have codes that say what a user can do. */
import { BellwireError, type LocalErrorCode } from "../errors.js";
import type { DeviceInfo, DeviceKind } from "../types.js";

export interface MediaRequest {
  /** true, or which device. */
  audio?: boolean | { deviceId: string };
  video?: boolean | { deviceId: string };
}

export interface Media {
  /** Opens what is asked for, all or nothing. Rejects with a BellwireError. */
  open(request: MediaRequest): Promise<MediaStreamTrack[]>;
  openScreen(): Promise<MediaStreamTrack[]>;
  devices(): Promise<DeviceInfo[]>;
  /** Calls back when a device came or went; returns how to stop that. */
  onDeviceChange(callback: () => void): () => void;
  createStream(tracks: MediaStreamTrack[]): MediaStream;
}

const KINDS: Record<string, DeviceKind> = { audioinput: "microphone", videoinput: "camera", audiooutput: "speaker" };

export function browserMedia(): Media {
  return {
    async open(request) {
      const constraints = { audio: audioConstraints(request.audio), video: videoConstraints(request.video) };
      try {
        return (await devicesApi().getUserMedia(constraints)).getTracks();
      } catch (thrown) {
        throw mediaError(thrown, request.video ? (request.audio ? "media_failed" : "no_camera") : "no_microphone");
      }
    },
    async openScreen() {
      try {
        return (await devicesApi().getDisplayMedia({ video: true })).getTracks();
      } catch (thrown) {
        throw mediaError(thrown, "media_failed");
      }
    },
    async devices() {
      const list = await devicesApi().enumerateDevices();
      return list.flatMap(({ deviceId, kind, label }) => {
        const ours = KINDS[kind];
        return ours ? [{ deviceId, kind: ours, label }] : [];
      });
    },
    onDeviceChange(callback) {
      const devices = globalThis.navigator?.mediaDevices;
      devices?.addEventListener("devicechange", callback);
      return () => devices?.removeEventListener("devicechange", callback);
    },
    createStream: (tracks) => new MediaStream(tracks),
  };
}

function devicesApi(): MediaDevices {
  const devices = globalThis.navigator?.mediaDevices;
  if (!devices)
    throw new BellwireError("not_supported", { message: "Devices need a secure page (https or localhost)." });
  return devices;
}

function audioConstraints(wish: MediaRequest["audio"]): MediaTrackConstraints | boolean {
  if (!wish) return false;
  const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return wish === true ? clean : { ...clean, deviceId: { exact: wish.deviceId } };
}

function videoConstraints(wish: MediaRequest["video"]): MediaTrackConstraints | boolean {
  if (!wish) return false;
  const size = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
  return wish === true ? size : { ...size, deviceId: { exact: wish.deviceId } };
}

/** The names that browsers give, as ours; `missing` is what it means when the device is not there. */
function mediaError(thrown: unknown, missing: LocalErrorCode): BellwireError {
  if (thrown instanceof BellwireError) return thrown;
  const codes: Record<string, LocalErrorCode> = {
    NotAllowedError: "permission_denied",
    SecurityError: "permission_denied",
    NotFoundError: missing,
    OverconstrainedError: missing,
    NotReadableError: "device_in_use",
    AbortError: "device_in_use",
  };
  return BellwireError.from(thrown, (thrown instanceof Error && codes[thrown.name]) || "media_failed");
}
