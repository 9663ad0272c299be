/**
 * Alice and Bob side by side, each a whole client.
 *
 * Each pane is an iframe of the page that one user alone would open, not a second provider in this document:
 * what is tried here is then exactly what a phone would run. A pane has a window of its own: a dialog that covers it
 * leaves the other one usable, keys and announcements stay with the person they belong to, the layout follows the
 * pane's own width, it can be reloaded in mid-call, and what breaks in one leaves the other alone. Being of the same
 * origin, both may use the one camera and microphone (browsers open a device once and share it within a tab), and a
 * click in either pane lets both ring.
 */
import { useState } from "react";
import { Frame } from "./Frame.js";
import { InviteDialog } from "./InviteDialog.js";
import { PeopleIcon } from "./pageIcons.js";
import { PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";

const FOOTNOTE =
  "One program rings, connects and remembers these calls. Each pane is a client of its own; their sound is off at first, so that one microphone does not hear itself.";

export function TwoPanes({ settings }: { settings: Settings }) {
  const [isInviting, setInviting] = useState(false);
  const invite = (
    <button type="button" className="bw-button" onClick={() => setInviting(true)}>
      <PeopleIcon />
      Add people
    </button>
  );
  return (
    <Frame settings={settings} actions={invite} footnote={FOOTNOTE}>
      <h1 className="bw-visually-hidden">bellwire: try a call between two people</h1>
      <div className="panes">
        {PEOPLE.slice(0, 2).map((face) => (
          <iframe
            key={face.id}
            className="pane"
            title={face.name}
            src={userAddress(face.id, settings, true)}
            allow="camera; microphone; display-capture; autoplay; fullscreen"
          />
        ))}
      </div>
      {isInviting && <InviteDialog settings={settings} onClose={() => setInviting(false)} />}
    </Frame>
  );
}
