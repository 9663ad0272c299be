/** Every screen in every state on one page, for looking at them: `npm run dev`, then /dev/gallery.html?screen=call. */
import { type ReactNode, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import "@bellwire/react/ui.css";
import "../src/demo.css";
import "../src/forms.css";
import {
  CallEnded,
  CallHistory,
  CallView,
  ConnectionBanner,
  type HistoryEntry,
  IncomingCallDialog,
  Notice,
  OutgoingCall,
  type TileFace,
} from "@bellwire/react/ui";
import { Frame } from "../src/Frame.js";
import { Home } from "../src/Home.js";
import { InviteDialog } from "../src/InviteDialog.js";
import { PEOPLE } from "../src/people.js";
import { SignIn } from "../src/SignIn.js";
import { readSettings } from "../src/settings.js";
import { paintedStream } from "./picture.js";

const query = new URLSearchParams(location.search);
const theme = query.get("theme");
if (theme) document.documentElement.dataset.bwTheme = theme;

const nothing = () => {};
const alice = { id: "alice", name: "Alice" };
const bob = { id: "bob", name: "Bob" };
const own: TileFace = { ...alice, stream: paintedStream(160), isMuted: false, isVideoEnabled: true, isLocal: true };
const other: TileFace = {
  ...bob,
  stream: paintedStream(20),
  isMuted: true,
  isVideoEnabled: true,
  connection: "connected",
};
const carol: TileFace = { ...other, id: "carol", name: "Carol Augusta Lovelace", stream: null, isVideoEnabled: false };
const hidden: TileFace = { ...own, isVideoEnabled: false, isMuted: true };

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const entries: HistoryEntry[] = [
  {
    id: "1",
    peer: bob,
    callType: "video",
    direction: "outgoing",
    outcome: "completed",
    startedAt: ago(4),
    duration: 42,
  },
  { id: "2", peer: bob, callType: "audio", direction: "incoming", outcome: "missed", startedAt: ago(50), duration: 0 },
  {
    id: "3",
    peer: carol,
    callType: "video",
    direction: "incoming",
    outcome: "completed",
    startedAt: ago(1600),
    duration: 4325,
  },
  {
    id: "4",
    peer: carol,
    callType: "audio",
    direction: "outgoing",
    outcome: "no_answer",
    startedAt: ago(9000),
    duration: 0,
  },
];

function Call({ others, self = own, notice }: { others: TileFace[]; self?: TileFace; notice?: ReactNode }) {
  const [isMuted, setMuted] = useState(self.isMuted);
  const [isVideoEnabled, setVideo] = useState(self.isVideoEnabled);
  const [isSoundOff, setSoundOff] = useState(true);
  return (
    <CallView
      own={{ ...self, isMuted, isVideoEnabled }}
      others={others}
      answeredAt={Date.now() - 42_000}
      isSoundOff={isSoundOff}
      notice={notice}
      onToggleMute={() => setMuted(!isMuted)}
      onToggleVideo={() => setVideo(!isVideoEnabled)}
      onToggleScreen={nothing}
      onToggleSound={() => setSoundOff(!isSoundOff)}
      onHangUp={nothing}
    />
  );
}

const outgoing = { callee: bob, own, onToggleMute: nothing, onToggleVideo: nothing, onCancel: nothing };
const answers = { caller: bob, onAccept: nothing, onDecline: nothing };

const settings = readSettings(new URL(location.href));

function home(history: HistoryEntry[], notices?: ReactNode) {
  return (
    <Home
      me={alice}
      isOnline={!notices}
      notices={notices}
      people={PEOPLE.slice(1)}
      isDisabled={notices !== undefined}
      onCall={nothing}
      onCallGroup={nothing}
      onShowDevices={nothing}
      history={<CallHistory entries={history} onCallBack={nothing} />}
    />
  );
}

function framed(classes: string, place: ReactNode) {
  return (
    <Frame settings={settings} footnote="One program rings, connects and remembers these calls.">
      <div className={`client client--framed ${classes}`}>
        {home(entries)}
        {place}
      </div>
    </Frame>
  );
}

const screens: Record<string, ReactNode> = {
  outgoing: <OutgoingCall {...outgoing} progress="ringing" />,
  "outgoing-audio": <OutgoingCall {...outgoing} own={{ ...own, isVideoEnabled: false }} progress="unreachable" />,
  incoming: <IncomingCallDialog {...answers} callType="video" />,
  "incoming-audio": <IncomingCallDialog {...answers} callType="audio" />,
  waiting: (
    <>
      <Call others={[other]} />
      <IncomingCallDialog {...answers} caller={carol} callType="video" isWaiting />
    </>
  ),
  call: <Call others={[other]} />,
  "call-audio": <Call others={[{ ...other, isVideoEnabled: false, isMuted: false }]} self={hidden} />,
  "call-connecting": <Call others={[{ ...other, stream: null, connection: "connecting" }]} />,
  "call-trouble": (
    <Call
      others={[{ ...other, connection: "reconnecting" }]}
      notice={<ConnectionBanner state="reconnecting" isInCall />}
    />
  ),
  group: <Call others={[other, carol, { ...other, id: "dave", name: "Dave", isMuted: false, isSpeaking: true }]} />,
  screen: <Call others={[{ ...other, screen: paintedStream(220) }]} />,
  ended: <CallEnded peer={bob} text="Call ended · 0:42" onCallAgain={nothing} onClose={nothing} />,
  home: <div className="client client--pane">{home(entries)}</div>,
  "home-new": <div className="client client--pane">{home([], <ConnectionBanner state="reconnecting" />)}</div>,
  single: framed("", <div className="call-place call-place--empty">Choose somebody to call.</div>),
  "single-call": framed(
    "client--busy",
    <div className="call-place">
      <Call others={[other]} />
    </div>,
  ),
  invite: <InviteDialog settings={settings} onClose={nothing} />,
  "sign-in": <SignIn reason="This server gives demo tokens only to pages on its own machine." onToken={nothing} />,
  history: (
    <div style={{ padding: 24 }}>
      <CallHistory entries={entries} onCallBack={nothing} hasMore onLoadMore={nothing} />
    </div>
  ),
  "history-empty": (
    <div style={{ padding: 24, display: "grid", gap: 16 }}>
      <CallHistory entries={[]} />
      <CallHistory entries={[]} hasFailed onRetry={nothing} />
      <ConnectionBanner state="reconnecting" />
      <ConnectionBanner state="failed" onRetry={nothing} />
      <Notice kind="error" onDismiss={nothing}>
        No camera was found. The call goes on with sound only.
      </Notice>
    </div>
  ),
};

function Gallery() {
  const screen = screens[query.get("screen") ?? ""];
  if (screen) return <main style={{ height: "100dvh" }}>{screen}</main>;
  return (
    <ul>
      {Object.keys(screens).map((name) => (
        <li key={name}>
          <a href={`?screen=${name}`}>{name}</a>
        </li>
      ))}
    </ul>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Gallery />
    </StrictMode>,
  );
}
