/** Whom one can call. */
import { Avatar, CameraIcon, type Face, PhoneIcon } from "@bellwire/react/ui";

export interface PeopleProps {
  people: Face[];
  /** Not connected, or in a call already. */
  isDisabled: boolean;
  onCall: (face: Face, type: "audio" | "video") => void;
}

export function People({ people, isDisabled, onCall }: PeopleProps) {
  return (
    <ul className="rows">
      {people.map((face) => (
        <li key={face.id} className="row">
          <Avatar face={face} />
          <span className="row-name">{face.name}</span>
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
            className="bw-button bw-button--primary"
            aria-label={`Call ${face.name}`}
            disabled={isDisabled}
            onClick={() => onCall(face, "video")}
          >
            <CameraIcon />
            Call
          </button>
        </li>
      ))}
    </ul>
  );
}
