/** One user's whole client: home and call, over one connection. */
import type { CallOptions } from "@bellwire/client";
import { BellwireProvider, useCall, useConnection, useIncomingCall } from "@bellwire/react";
import {
  CallScreen,
  ConnectionBanner,
  errorText,
  type Face,
  Notice,
  OngoingCalls,
  RecentCalls,
  useTexts,
} from "@bellwire/react/ui";
import { type ReactNode, useEffect, useState } from "react";
import { Frame } from "./Frame.js";
import { Home } from "./Home.js";
import { clientOptions, type Identity } from "./identity.js";
import { OpenIcon, PhoneCircleIcon } from "./pageIcons.js";
import { CHANNEL, demoFace, PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";

/** The call that could not be begun, in words. */
function useFailedStart() {
  const texts = useTexts();
  const { start } = useCall();
  const { state, error } = useConnection();
  const [failure, setFailure] = useState<string | null>(null);
  const begin = async (options: Omit<CallOptions, "channelId">, whom: string) => {
    setFailure(null);
    const made = await start({ channelId: CHANNEL, ...options });
    if (!made) setFailure(error ? errorText(texts, error) : `${whom} could not be called.`);
  };
  const call = (face: Face, type: "audio" | "video") => void begin({ to: face.id, type }, face.name);
  const callAll = () => void begin({ mode: "group", type: "video" }, "The group");
  return { call, callAll, failure: state === "connected" ? failure : null, forget: () => setFailure(null) };
}

/** A call that comes in is seen in the tabs, too; a pane that is out of sight on a small screen comes into it. */
function useAttention(me: Face) {
  const { call } = useIncomingCall();
  const caller = call && demoFace({ userId: call.startedBy, name: null, avatarUrl: null }).name;
  useEffect(() => {
    document.title = caller ? `${caller} calls · bellwire` : `${me.name} · bellwire`;
    if (caller) window.frameElement?.scrollIntoView({ block: "nearest" });
  }, [caller, me]);
}

function Contents({ me, actions, isPane }: { me: Face; actions: ReactNode; isPane: boolean }) {
  const texts = useTexts();
  const connection = useConnection();
  const { call: current } = useCall();
  const { call, callAll, failure, forget } = useFailedStart();
  const isInCall = current !== null && current.state !== "ended";
  const isOnline = connection.state === "connected";
  const reason = connection.error ? errorText(texts, connection.error) : undefined;
  useAttention(me);
  const notices = (
    <>
      {!isInCall && <ConnectionBanner state={connection.state} reason={reason} onRetry={connection.retry} />}
      <OngoingCalls />
      {failure && (
        <Notice kind="error" onDismiss={forget}>
          {failure}
        </Notice>
      )}
    </>
  );
  return (
    <div className={clientClass(isPane, current !== null)}>
      <h1 className="bw-visually-hidden">{me.name}</h1>
      <Home
        me={me}
        isOnline={isOnline}
        notices={notices}
        actions={actions}
        people={PEOPLE.filter(({ id }) => id !== me.id)}
        isDisabled={!isOnline || isInCall}
        onCall={call}
        onCallAll={callAll}
        history={<RecentCalls faceOf={demoFace} />}
      />
      <div className={current ? "call-place" : "call-place call-place--empty"}>
        {/* Two clients share one room here: without sound at first, or one microphone would hear itself. */}
        <CallScreen faceOf={demoFace} startSilent={isPane} ringback={!isPane} />
        {!current && (
          <p className="call-place-hint">
            <PhoneCircleIcon />
            Choose somebody to call
          </p>
        )}
      </div>
    </div>
  );
}

function clientClass(isPane: boolean, hasCall: boolean): string {
  return ["client", isPane ? "client--pane" : "client--framed", hasCall ? "client--busy" : ""].join(" ").trim();
}

const FOOTNOTE = "A page of one user. Open it as somebody else in another tab, or see two people side by side.";

export function ClientPage({ identity, settings }: { identity: Identity; settings: Settings }) {
  const [options] = useState(() => clientOptions(identity, settings));
  const alone = (
    <a
      className="bw-button bw-button--round bw-button--plain"
      href={userAddress(identity.face.id, settings, false)}
      target="_blank"
      rel="noopener"
      aria-label={`Open ${identity.face.name} in a tab of its own`}
      title="Open in a tab of its own"
    >
      <OpenIcon />
    </a>
  );
  const contents = <Contents me={identity.face} actions={settings.isPane && alone} isPane={settings.isPane} />;
  return (
    <BellwireProvider options={options}>
      {settings.isPane ? (
        <div className="bw">{contents}</div>
      ) : (
        <Frame settings={settings} footnote={FOOTNOTE}>
          {contents}
        </Frame>
      )}
    </BellwireProvider>
  );
}
