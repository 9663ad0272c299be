/** Where one is between calls: oneself, the people, the calls of the past. */
import { Avatar, type Face } from "@bellwire/react/ui";
import type { ReactNode } from "react";
import { People, type PeopleProps } from "./People.js";
import { PeopleIcon } from "./pageIcons.js";

export interface HomeProps extends PeopleProps {
  me: Face;
  isOnline: boolean;
  /** Trouble with the connection, or the outcome of what was tried last. */
  notices?: ReactNode;
  /** Beside the own name. */
  actions?: ReactNode;
  history: ReactNode;
  onCallAll: () => void;
}

export function Home({ me, isOnline, notices, actions, history, onCallAll, ...people }: HomeProps) {
  return (
    <div className="home">
      <div className="me">
        <Avatar face={me} size={48} />
        <div className="me-text">
          <p className="me-name">{me.name}</p>
          <span className="me-state" role="status">
            <span className={isOnline ? "me-dot me-dot--on" : "me-dot"} />
            {isOnline ? "Online" : "Not connected"}
          </span>
        </div>
        {actions}
      </div>
      {notices}
      <section aria-labelledby="people">
        <div className="home-heading">
          <h2 id="people">People</h2>
          <button type="button" className="bw-button bw-button--plain" disabled={people.isDisabled} onClick={onCallAll}>
            <PeopleIcon />
            Call everyone
          </button>
        </div>
        <People {...people} />
      </section>
      <div>
        <h2>Calls</h2>
        {history}
      </div>
    </div>
  );
}
