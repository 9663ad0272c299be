/** One user's whole client: home and call, over one connection. */
import { BellwireProvider, useCall, useConnection, useIncomingCall } from "@bellwire/react";
import {
  CallScreen,
  ConnectionBanner,
  errorText,
  type Face,
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
  const { call: current, start } = useCall();
  const isInCall = current !== null && current.state !== "ended";
  const isOnline = connection.state === "connected";
  const reason = connection.error ? errorText(texts, connection.error) : undefined;
  useAttention(me);
  const notices = (
    <>
      {!isInCall && <ConnectionBanner state={connection.state} reason={reason} onRetry={connection.retry} />}
      <OngoingCalls />
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
        onCall={({ id }, type) => void start({ channelId: CHANNEL, to: id, type })}
        onCallAll={() => void start({ channelId: CHANNEL, mode: "group", type: "video" })}
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
