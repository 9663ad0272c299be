/** What is seen for a moment after a call: how it ended, and a way to try again. */
import { Avatar, type Face } from "./Avatar.js";
import { Stage } from "./Stage.js";
import { useTexts } from "./texts.js";

export interface CallEndedProps {
  peer: Face;
  /** How it ended, in words; see `endedText`. */
  text: string;
  onCallAgain?: (() => void) | undefined;
  onClose: () => void;
}

export function CallEnded({ peer, text, onCallAgain, onClose }: CallEndedProps) {
  const texts = useTexts();
  return (
    <Stage
      label={text}
      title={peer.name}
      keys={{ escape: onClose }}
      controls={
        <div className="bw-ended__actions">
          {onCallAgain && (
            <button type="button" className="bw-button bw-button--primary" onClick={onCallAgain}>
              {texts.callAgain}
            </button>
          )}
          <button type="button" className="bw-button" onClick={onClose}>
            {texts.close}
          </button>
        </div>
      }
    >
      <div className="bw-stage__center">
        <Avatar face={peer} size={128} />
        <p className="bw-ended__text">{text}</p>
      </div>
    </Stage>
  );
}
