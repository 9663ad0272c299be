/** Where one is between calls: oneself, the people, the calls of the past. */
import { Avatar, type Face } from "@bellwire/react/ui";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { People, type PeopleProps } from "./People.js";
import { PeopleIcon, SettingsIcon } from "./pageIcons.js";

export interface HomeProps extends Omit<PeopleProps, "picked" | "onPick"> {
  me: Face;
  isOnline: boolean;
  /** Trouble with the connection, or the outcome of what was tried last. */
  notices?: ReactNode;
  /** Beside the own name. */
  actions?: ReactNode;
  history: ReactNode;
  onCallGroup: (ids: string[]) => void;
  onShowDevices: () => void;
}

type MeProps = Pick<HomeProps, "me" | "isOnline" | "actions" | "onShowDevices">;

function Me({ me, isOnline, actions, onShowDevices }: MeProps) {
  return (
    <div className="me">
      <Avatar face={me} size={48} />
      <div className="me-text">
        <p className="me-name">{me.name}</p>
        <span className="me-state" role="status">
          <span className={isOnline ? "me-dot me-dot--on" : "me-dot"} />
          {isOnline ? "Online" : "Not connected"}
        </span>
      </div>
      <div className="me-actions">
        <button
          type="button"
          className="bw-button bw-button--round bw-button--plain"
          aria-label="Check camera and microphone"
          title="Check camera and microphone"
          onClick={onShowDevices}
        >
          <SettingsIcon />
        </button>
        {actions}
      </div>
    </div>
  );
}

interface PickBarProps {
  count: number;
  isDisabled: boolean;
  onStart: () => void;
  onCancel: () => void;
}

function PickBar({ count, isDisabled, onStart, onCancel }: PickBarProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div className="pick-bar" ref={ref}>
      <button
        type="button"
        className="bw-button bw-button--primary"
        disabled={isDisabled || count === 0}
        onClick={onStart}
      >
        {count === 1 ? "Call 1 person" : `Call ${count} people`}
      </button>
      <button type="button" className="bw-button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}

/** Who is picked for a group call; everyone at first. */
function usePicking(people: Face[]) {
  const [picked, setPicked] = useState<ReadonlySet<string> | null>(null);
  return {
    picked,
    begin: () => setPicked(new Set(people.map(({ id }) => id))),
    end: () => setPicked(null),
    toggle: (id: string) =>
      setPicked((old) => {
        const next = new Set(old);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
  };
}

export function Home({ notices, history, onCallGroup, ...props }: HomeProps) {
  const { people, isDisabled, onCall } = props;
  const { picked, begin, end, toggle } = usePicking(people);
  const start = () => {
    if (picked) onCallGroup([...picked]);
    end();
  };
  return (
    <div className="home">
      <Me {...props} />
      <div className="notices">{notices}</div>
      <section aria-labelledby="people">
        <div className="home-heading">
          <h2 id="people">{picked ? "Who shall be called?" : "People"}</h2>
          {!picked && (
            <button type="button" className="bw-button bw-button--plain" disabled={isDisabled} onClick={begin}>
              <PeopleIcon />
              Group call
            </button>
          )}
        </div>
        <People people={people} isDisabled={isDisabled} onCall={onCall} picked={picked} onPick={toggle} />
        {picked && <PickBar count={picked.size} isDisabled={isDisabled} onStart={start} onCancel={end} />}
      </section>
      <div>
        <h2>Calls</h2>
        {history}
      </div>
    </div>
  );
}
