/** Calls that go on without this device: of a group, after a reload, or on another device of the same user. */
import type { JoinableCall } from "@bellwire/client";
import { type ReactNode, useEffect, useSyncExternalStore } from "react";
import { useClient } from "../context.js";
import { useCall } from "../hooks.js";
import { Notice } from "./Notice.js";
import { useTexts } from "./texts.js";

export interface OngoingCallsProps {
  /** Also shows what went on in this channel before this page connected. */
  channelId?: string | undefined;
  /** What to do instead of going in at once: to ask for devices first, with PreJoin. */
  onJoin?: ((call: JoinableCall) => void) | undefined;
}

export function OngoingCalls({ channelId, onJoin }: OngoingCallsProps): ReactNode {
  const texts = useTexts();
  const client = useClient();
  useEffect(() => (channelId === undefined ? undefined : client.watchChannel(channelId)), [client, channelId]);
  const { call, join } = useCall();
  const joinable = useSyncExternalStore(client.subscribe, () => client.getSnapshot().joinable);
  if (call !== null && call.state !== "ended") return null;
  const enter = ({ id, callType }: JoinableCall) => void join(id, { audio: true, video: callType === "video" });
  return joinable.map((one) => {
    const isGroup = one.mode === "group";
    const action = { label: isGroup ? texts.join : texts.returnToCall, onClick: () => (onJoin ?? enter)(one) };
    return (
      <Notice key={one.id} kind="info" action={action}>
        {isGroup ? texts.groupCallGoesOn : texts.callGoesOn}
      </Notice>
    );
  });
}
