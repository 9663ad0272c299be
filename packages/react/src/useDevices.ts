/** Microphones, cameras and speakers, and which of them are in use. */
import type { BellwireError, Client, DeviceInfo, DeviceKind, DevicesSnapshot } from "@bellwire/client";
import { useCallback, useEffect } from "react";
import { useClient, useSnapshot } from "./context.js";
import { recallDevices, rememberDevices } from "./memory.js";

export interface UseDevices {
  microphones: readonly DeviceInfo[];
  cameras: readonly DeviceInfo[];
  speakers: readonly DeviceInfo[];
  /** The chosen device's id; null means the system's default. */
  selected: Readonly<Record<DeviceKind, string | null>>;
  error: BellwireError | null;
  /** Also switches in a running call, and is remembered for the next visit. */
  select: (kind: DeviceKind, deviceId: string | null) => void;
}

const NOTHING: DevicesSnapshot = {
  microphones: [],
  cameras: [],
  speakers: [],
  selected: { microphone: null, camera: null, speaker: null },
  error: null,
};

const LISTS = { microphone: "microphones", camera: "cameras", speaker: "speakers" } as const;

/** Chooses again what was chosen on the last visit, as soon as it is seen among the devices: an id of one that is not
 *  plugged in would keep a call from opening any. */
function chooseRemembered(client: Client): void {
  const devices = client.devices.getSnapshot();
  const { selected } = recallDevices();
  for (const [kind, list] of Object.entries(LISTS) as [DeviceKind, (typeof LISTS)[DeviceKind]][]) {
    const wanted = selected[kind];
    const isThere = devices[list].some(({ deviceId }) => deviceId === wanted);
    if (wanted !== null && isThere && devices.selected[kind] === null)
      client.devices.select(kind, wanted).catch(() => {});
  }
}

/** As long as a provider is there; the first list that has the devices decides. */
export function useRememberedDevices(client: Client): void {
  useEffect(() => {
    const { selected } = recallDevices();
    if (Object.values(selected).every((id) => id === null)) return;
    let isDone = false;
    const look = () => {
      if (isDone) return;
      chooseRemembered(client);
      // Ids are empty until the browser has given permission once.
      isDone = client.devices.getSnapshot().microphones.some(({ deviceId }) => deviceId !== "");
    };
    const off = client.devices.subscribe(look);
    return () => {
      isDone = true;
      off();
    };
  }, [client]);
}

export function useDevices(): UseDevices {
  const client = useClient();
  const devices = useSnapshot(client.devices, (s) => s, NOTHING);
  const select = useCallback(
    (kind: DeviceKind, deviceId: string | null) => {
      const { selected } = recallDevices();
      rememberDevices({ selected: { ...selected, [kind]: deviceId } });
      client.devices.select(kind, deviceId).catch(() => {});
    },
    [client],
  );
  return { ...devices, select };
}
