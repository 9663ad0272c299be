/**
 * Alice and Bob side by side, each a whole client.
 *
 * Each pane is an iframe of the page that one user alone would open, not a second provider in this document:
 * what is tried here is then exactly what a phone would run. A pane has a window of its own: a dialog that covers it
 * leaves the other one usable, keys and announcements stay with the person they belong to, the layout follows the
 * pane's own width, it can be reloaded in mid-call, and what breaks in one leaves the other alone. Being of the same
 * origin, both may use the one camera and microphone (browsers open a device once and share it within a tab), and a
 * click in either pane lets both ring. On a phone one of them is seen at a time; the other one goes on unseen.
 */
import { Avatar, type Face } from "@bellwire/react/ui";
import { useState } from "react";
import { Frame } from "./Frame.js";
import { InviteDialog } from "./InviteDialog.js";
import { PeopleIcon } from "./pageIcons.js";
import { type PaneState, usePaneStates } from "./paneState.js";
import { PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";

const FOOTNOTE =
  "One program rings, connects and remembers these calls. The panes' sound is off at first, so that one microphone does not hear itself.";

const PANES = PEOPLE.slice(0, 2);

const WORDS: Record<PaneState, string> = { quiet: "", ringing: "rings", "in-call": "in call" };

interface SwitcherProps {
  shown: string;
  states: Readonly<Record<string, PaneState>>;
  onShow: (user: string) => void;
}

function SwitchButton({
  face,
  isShown,
  state,
  onShow,
}: {
  face: Face;
  isShown: boolean;
  state: PaneState;
  onShow: () => void;
}) {
  return (
    <button type="button" className={`bw-segment switch switch--${state}`} aria-pressed={isShown} onClick={onShow}>
      <Avatar face={face} size={26} />
      {face.name} {state !== "quiet" && <span className="switch-state">{WORDS[state]}</span>}
    </button>
  );
}

/** Which pane is seen where there is room for one. */
function Switcher({ shown, states, onShow }: SwitcherProps) {
  return (
    <fieldset className="bw-segments switcher" aria-label="Whose side is shown">
      {PANES.map((face) => (
        <SwitchButton
          key={face.id}
          face={face}
          isShown={shown === face.id}
          state={states[face.id] ?? "quiet"}
          onShow={() => onShow(face.id)}
        />
      ))}
    </fieldset>
  );
}

function Intro() {
  return (
    <div className="intro">
      <h1>Calls between your users, in your application</h1>
      <p>
        Alice and Bob are two clients of the server on this machine. <b>Call</b> in one pane, <b>accept</b> in the
        other.
      </p>
    </div>
  );
}

export function TwoPanes({ settings }: { settings: Settings }) {
  const [isInviting, setInviting] = useState(false);
  const [shown, setShown] = useState(PANES[0]?.id ?? "");
  const states = usePaneStates();
  const isBusy = Object.values(states).some((state) => state === "in-call");
  const invite = (
    <button type="button" className="bw-button bw-button--raised" onClick={() => setInviting(true)}>
      <PeopleIcon />
      Add people
    </button>
  );
  return (
    <Frame
      settings={settings}
      actions={invite}
      footnote={FOOTNOTE}
      className={isBusy ? "frame--panes frame--busy" : "frame--panes"}
    >
      <Intro />
      <Switcher shown={shown} states={states} onShow={setShown} />
      <div className="panes">
        {PANES.map((face) => (
          <iframe
            key={face.id}
            className={shown === face.id ? "pane" : "pane pane--away"}
            title={face.name}
            src={userAddress(face.id, settings, true)}
            allow="camera; microphone; display-capture; autoplay; fullscreen; clipboard-write"
          />
        ))}
      </div>
      {isInviting && <InviteDialog settings={settings} onClose={() => setInviting(false)} />}
    </Frame>
  );
}
