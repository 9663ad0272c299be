/** Ways to bring in more people: another tab here, or a link for another device; into a call, if there is one. */
import { Avatar, type Face } from "@bellwire/react/ui";
import { useEffect, useId, useRef, useState } from "react";
import { PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";
import { fetchDevToken, NoToken } from "./tokens.js";

/** The page's address as the other device must write it; a trailing slash or path is left out. */
function originOf(text: string): string | null {
  try {
    const url = new URL(text.includes("://") ? text : `http://${text}`);
    return url.protocol === "http:" || url.protocol === "https:" ? url.origin : null;
  } catch {
    return null;
  }
}

/** With a token where this server gives one; else whoever opens the link signs in by themselves. */
async function copyLink(face: Face, origin: string, callId: string | undefined): Promise<string> {
  const path = callId === undefined ? "/" : `/?${new URLSearchParams({ call: callId })}`;
  const token = await fetchDevToken(face.id).catch((error: unknown) => {
    if (error instanceof NoToken) return null;
    throw error;
  });
  await navigator.clipboard.writeText(token === null ? `${origin}${path}` : `${origin}${path}#token=${token}`);
  return token === null
    ? "The link is in your clipboard. Whoever opens it signs in first."
    : `A link that signs in as ${face.name} is in your clipboard.`;
}

interface PersonProps {
  face: Face;
  href: string;
  onCopy: () => void;
}

function Person({ face, href, onCopy }: PersonProps) {
  return (
    <li className="row">
      <Avatar face={face} size={36} />
      <span className="row-name">{face.name}</span>
      <a className="bw-button" href={href} target="_blank" rel="noopener">
        Open tab<span className="bw-visually-hidden"> as {face.name}</span>
      </a>
      <button type="button" className="bw-button" onClick={onCopy}>
        Copy link<span className="bw-visually-hidden"> for {face.name}</span>
      </button>
    </li>
  );
}

export interface InviteDialogProps {
  settings: Settings;
  /** The call that the links lead into. */
  callId?: string;
  /** The ids of those who need no link. */
  present?: readonly string[];
  onClose: () => void;
}

export function InviteDialog({ settings, callId, present = [], onClose }: InviteDialogProps) {
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  const [address, setAddress] = useState(location.origin);
  const [message, setMessage] = useState("");
  useEffect(() => ref.current?.showModal(), []);

  const origin = originOf(address);
  const copy = (face: Face) => {
    if (!origin) return setMessage("This is no address: it should look like https://calls.example:8443.");
    copyLink(face, origin, callId).then(setMessage, () => setMessage("The link could not be copied."));
  };
  return (
    <dialog ref={ref} className="bw sheet" aria-labelledby={`${id}-title`} onClose={onClose}>
      <h2 id={`${id}-title`}>{callId ? "Invite to this call" : "Add people"}</h2>
      <p>Open another tab on this machine, or take a link to another device. A link signs in whoever opens it.</p>
      <ul className="rows">
        {PEOPLE.filter(({ id }) => !present.includes(id)).map((face) => (
          <Person
            key={face.id}
            face={face}
            href={userAddress(face.id, settings, false, callId)}
            onCopy={() => copy(face)}
          />
        ))}
      </ul>
      <label className="field">
        <span>Address of this server, as the other device reaches it</span>
        <input type="url" value={address} onChange={(event) => setAddress(event.target.value)} />
      </label>
      <p className="hint">Browsers give camera and microphone only to https pages, or to localhost.</p>
      <p className="sheet-message" role="status">
        {message}
      </p>
      <button type="button" className="bw-button bw-button--primary" onClick={() => ref.current?.close()}>
        Done
      </button>
    </dialog>
  );
}
