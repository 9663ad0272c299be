/** Calls that go on without this device: after a reload, or on another device of the same user. */
import { type ReactNode, useSyncExternalStore } from "react";
import { useCall } from "../hooks.js";
import { useClient } from "../provider.js";
import { Notice } from "./Notice.js";
import { useTexts } from "./texts.js";

export function OngoingCalls(): ReactNode {
  const texts = useTexts();
  const client = useClient();
  const { call, join } = useCall();
  const joinable = useSyncExternalStore(client.subscribe, () => client.getSnapshot().joinable);
  if (call !== null && call.state !== "ended") return null;
  return joinable.map(({ id, callType }) => (
    <Notice
      key={id}
      action={{ label: texts.returnToCall, onClick: () => void join(id, { audio: true, video: callType === "video" }) }}
    >
      {texts.callGoesOn}
    </Notice>
  ));
}
