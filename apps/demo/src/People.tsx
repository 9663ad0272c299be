/** Whom one can call: one by one, or several picked for a group. */
import { Avatar, CameraIcon, type Face, PhoneIcon } from "@bellwire/react/ui";

export interface PeopleProps {
  people: Face[];
  /** Not connected, or in a call already. */
  isDisabled: boolean;
  onCall: (face: Face, type: "audio" | "video") => void;
  /** The ids of those picked for a group call; null while nobody is being picked. */
  picked: ReadonlySet<string> | null;
  onPick: (id: string) => void;
}

type RowProps = Pick<PeopleProps, "isDisabled" | "onCall"> & { face: Face };

function CallButtons({ face, isDisabled, onCall }: RowProps) {
  return (
    <>
      <button
        type="button"
        className="bw-button bw-button--round bw-button--plain"
        aria-label={`Audio call ${face.name}`}
        title={`Audio call ${face.name}`}
        disabled={isDisabled}
        onClick={() => onCall(face, "audio")}
      >
        <PhoneIcon />
      </button>
      <button
        type="button"
        className="bw-button call-button"
        aria-label={`Call ${face.name}`}
        disabled={isDisabled}
        onClick={() => onCall(face, "video")}
      >
        <CameraIcon />
        Call
      </button>
    </>
  );
}

function PickRow({ face, isPicked, onPick }: { face: Face; isPicked: boolean; onPick: () => void }) {
  return (
    <label className="row row--pick">
      <Avatar face={face} />
      <span className="row-name">{face.name}</span>
      <input type="checkbox" className="check" checked={isPicked} onChange={onPick} />
    </label>
  );
}

export function People({ people, picked, onPick, ...calling }: PeopleProps) {
  return (
    <ul className="rows">
      {people.map((face) => (
        <li key={face.id}>
          {picked ? (
            <PickRow face={face} isPicked={picked.has(face.id)} onPick={() => onPick(face.id)} />
          ) : (
            <div className="row">
              <Avatar face={face} />
              <span className="row-name">{face.name}</span>
              <CallButtons face={face} {...calling} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
