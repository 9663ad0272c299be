/** Microphones, cameras and speakers, and which of them are in use. */
import type { BellwireError, DeviceInfo, DeviceKind, DevicesSnapshot } from "@bellwire/client";
import { useCallback } from "react";
import { useClient, useSnapshot } from "./provider.js";

export interface UseDevices {
  microphones: readonly DeviceInfo[];
  cameras: readonly DeviceInfo[];
  speakers: readonly DeviceInfo[];
  /** The chosen device's id; null means the system's default. */
  selected: Readonly<Record<DeviceKind, string | null>>;
  error: BellwireError | null;
  /** Also switches in a running call. */
  select: (kind: DeviceKind, deviceId: string | null) => void;
}

const NOTHING: DevicesSnapshot = {
  microphones: [],
  cameras: [],
  speakers: [],
  selected: { microphone: null, camera: null, speaker: null },
  error: null,
};

export function useDevices(): UseDevices {
  const client = useClient();
  const devices = useSnapshot(client.devices, (s) => s, NOTHING);
  const select = useCallback(
    (kind: DeviceKind, deviceId: string | null) => {
      client.devices.select(kind, deviceId).catch(() => {});
    },
    [client],
  );
  return { ...devices, select };
}
