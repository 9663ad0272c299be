/** One user's whole client: home and call, over one connection. */
import { BellwireProvider, useCall, useConnection, useIncomingCall } from "@bellwire/react";
import {
  CallScreen,
  ConnectionBanner,
  Control,
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
import { InviteDialog } from "./InviteDialog.js";
import { clientOptions, type Identity } from "./identity.js";
import { Lobby, type LobbyWish } from "./Lobby.js";
import { OpenIcon, PeopleIcon, PhoneCircleIcon } from "./pageIcons.js";
import { type PaneState, useTellPage } from "./paneState.js";
import { CHANNEL, demoFace, PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";

/** A call that comes in is seen in the browser's tabs, and around a pane. */
function useAttention(me: Face, isInCall: boolean) {
  const { call } = useIncomingCall();
  const caller = call && demoFace({ userId: call.startedBy, name: null, avatarUrl: null }).name;
  const state: PaneState = isInCall ? "in-call" : "quiet";
  useTellPage(me.id, caller ? "ringing" : state);
  useEffect(() => {
    document.title = caller ? `${caller} calls · bellwire` : `${me.name} · bellwire`;
  }, [caller, me]);
}

/** Beside the controls of a group call: a link that leads into it. */
function InviteControl({ onClick }: { onClick: () => void }) {
  return <Control label="Invite people" word="Invite" icon={<PeopleIcon />} onClick={onClick} />;
}

function EmptyPlace() {
  return (
    <div className="call-place-hint">
      <PhoneCircleIcon />
      <p className="call-place-title">Choose somebody to call</p>
      <p>Your calls appear here. You can go on looking through your calls meanwhile.</p>
    </div>
  );
}

interface ContentsProps {
  me: Face;
  actions: ReactNode;
  settings: Settings;
}

/** What is above the lists: trouble with the connection, calls that one may enter. */
function Notices({ isInCall, failed, onJoin }: { isInCall: boolean; failed: boolean; onJoin: (id: string) => void }) {
  const texts = useTexts();
  const connection = useConnection();
  const reason = connection.error ? errorText(texts, connection.error) : undefined;
  return (
    <>
      {!isInCall && <ConnectionBanner state={connection.state} reason={reason} onRetry={connection.retry} />}
      {failed && <Notice kind="error">That call is over, or you may not join it.</Notice>}
      <OngoingCallsOf onJoin={onJoin} />
    </>
  );
}

/** Of groups one is asked for devices first; into one's own call after a reload one returns at once. */
function OngoingCallsOf({ onJoin }: { onJoin: (id: string) => void }) {
  const { join } = useCall();
  return (
    <OngoingCalls
      channelId={CHANNEL}
      onJoin={({ id, mode, callType }) =>
        mode === "group" ? onJoin(id) : void join(id, { audio: true, video: callType === "video" })
      }
    />
  );
}

function Contents({ me, actions, settings }: ContentsProps) {
  const { isPane } = settings;
  const connection = useConnection();
  const { call: current, start } = useCall();
  const [lobby, setLobby] = useState<LobbyWish | null>(settings.call ? { kind: "join", callId: settings.call } : null);
  const [hasFailed, setFailed] = useState(false);
  const [isInviting, setInviting] = useState(false);
  const isInCall = current !== null && current.state !== "ended";
  const isOnline = connection.state === "connected";
  const isInLobby = lobby !== null && !isInCall;
  useAttention(me, isInCall);

  const leaveLobby = (joined: boolean) => {
    setLobby(null);
    setFailed(!joined);
  };
  return (
    <div className={clientClass(isPane, current !== null || isInLobby)}>
      <h1 className="bw-visually-hidden">{me.name}</h1>
      <Home
        me={me}
        isOnline={isOnline}
        notices={
          <Notices isInCall={isInCall} failed={hasFailed} onJoin={(callId) => setLobby({ kind: "join", callId })} />
        }
        actions={actions}
        people={PEOPLE.filter(({ id }) => id !== me.id)}
        isDisabled={!isOnline || isInCall}
        onCall={({ id }, type) => void start({ channelId: CHANNEL, to: id, type })}
        onCallGroup={(participants) => void start({ channelId: CHANNEL, participants, mode: "group", type: "video" })}
        onShowDevices={() => setLobby({ kind: "check" })}
        history={
          <RecentCalls
            showRecordings
            faceOf={demoFace}
            reportOf={({ id }) => `/console/report?call=${id}&user=${encodeURIComponent(me.id)}`}
          />
        }
      />
      <div className={current || isInLobby ? "call-place" : "call-place call-place--empty"}>
        {isInLobby && <Lobby me={me} wish={lobby} onLeave={leaveLobby} />}
        <div className={isInLobby ? "call-screen call-screen--away" : "call-screen"}>
          {/* Two clients share one room here: without sound at first, or one microphone would hear itself. */}
          <CallScreen
            faceOf={demoFace}
            startSilent={isPane}
            ringback={!isPane}
            canRecord
            extraControls={current?.mode === "group" && <InviteControl onClick={() => setInviting(true)} />}
          />
        </div>
        {!current && !isInLobby && <EmptyPlace />}
      </div>
      {isInviting && isInCall && (
        <InviteDialog
          settings={settings}
          callId={current.id}
          present={[me.id, ...current.participants.filter(({ socketId }) => socketId).map(({ userId }) => userId)]}
          onClose={() => setInviting(false)}
        />
      )}
    </div>
  );
}

function clientClass(isPane: boolean, isBusy: boolean): string {
  return ["client", isPane ? "client--pane" : "client--framed", isBusy ? "client--busy" : ""].join(" ").trim();
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
  const contents = <Contents me={identity.face} actions={settings.isPane && alone} settings={settings} />;
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
