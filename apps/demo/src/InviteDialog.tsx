/** Ways to bring in more people: another tab here, or a link with a token for another device. */
import { Avatar, type Face } from "@bellwire/react/ui";
import { useEffect, useId, useRef, useState } from "react";
import { PEOPLE } from "./people.js";
import { type Settings, userAddress } from "./settings.js";
import { fetchDevToken } from "./tokens.js";

/** The page's address as the other device must write it; a trailing slash or path is left out. */
function originOf(text: string): string | null {
  try {
    const url = new URL(text.includes("://") ? text : `http://${text}`);
    return url.protocol === "http:" || url.protocol === "https:" ? url.origin : null;
  } catch {
    return null;
  }
}

async function copyLink(face: Face, origin: string): Promise<string> {
  const token = await fetchDevToken(face.id);
  await navigator.clipboard.writeText(`${origin}/#token=${token}`);
  return `A link that signs in as ${face.name} is in your clipboard.`;
}

function Person({ face, settings, onCopy }: { face: Face; settings: Settings; onCopy: () => void }) {
  return (
    <li className="row">
      <Avatar face={face} size={36} />
      <span className="row-name">{face.name}</span>
      <a className="bw-button" href={userAddress(face.id, settings, false)} target="_blank" rel="noopener">
        Open tab<span className="bw-visually-hidden"> as {face.name}</span>
      </a>
      <button type="button" className="bw-button" onClick={onCopy}>
        Copy link<span className="bw-visually-hidden"> for {face.name}</span>
      </button>
    </li>
  );
}

export function InviteDialog({ settings, onClose }: { settings: Settings; onClose: () => void }) {
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  const [address, setAddress] = useState(location.origin);
  const [message, setMessage] = useState("");
  useEffect(() => ref.current?.showModal(), []);

  const origin = originOf(address);
  const copy = (face: Face) => {
    if (!origin) return setMessage("This is no address: it should look like https://calls.example:8443.");
    copyLink(face, origin).then(setMessage, () => setMessage("The link could not be copied."));
  };
  return (
    <dialog ref={ref} className="bw sheet" aria-labelledby={`${id}-title`} onClose={onClose}>
      <h2 id={`${id}-title`}>Add people</h2>
      <p>Open another tab on this machine, or take a link to another device. A link signs in whoever opens it.</p>
      <ul className="rows">
        {PEOPLE.map((face) => (
          <Person key={face.id} face={face} settings={settings} onCopy={() => copy(face)} />
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
