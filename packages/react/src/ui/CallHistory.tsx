/** The calls of the past, newest first, each with a way to call back. */
import { type ReactNode, useState } from "react";
import { Avatar, type Face } from "./Avatar.js";
import { formatDuration, formatMoment, isoDuration } from "./format.js";
import { CameraIcon, IncomingIcon, MissedIcon, OutgoingIcon, PhoneIcon } from "./icons.js";
import { Notice } from "./Notice.js";
import { type Texts, useTexts } from "./texts.js";

export interface HistoryEntry {
  id: string;
  /** The other one, or the group under one name. */
  peer: Face;
  callType: "audio" | "video";
  direction: "incoming" | "outgoing";
  outcome: keyof Texts["outcome"];
  startedAt: Date;
  /** Whole seconds of talk. */
  duration: number;
}

export interface CallHistoryProps {
  entries: HistoryEntry[];
  isLoading?: boolean;
  /** The list could not be loaded. */
  hasFailed?: boolean;
  hasMore?: boolean;
  onLoadMore?: () => void;
  onRetry?: () => void;
  /** Without it the entries have no button. */
  onCallBack?: ((entry: HistoryEntry) => void) | undefined;
  /** Where a call that was talked in is told about: /console/report?call=ID of the server. Without it there is no link. */
  reportOf?: ((entry: HistoryEntry) => string) | undefined;
  /** More below a call that was talked in: its recordings, say. */
  detailsOf?: ((entry: HistoryEntry) => ReactNode) | undefined;
  /** There is a call already, or no connection: the buttons stay in their place, but do nothing. */
  isCallDisabled?: boolean;
}

function DirectionMark({ entry }: { entry: HistoryEntry }) {
  const texts = useTexts();
  const isMissed = entry.outcome === "missed";
  const label = entry.direction === "incoming" ? texts.incoming : texts.outgoing;
  return (
    <span
      className={isMissed ? "bw-history__mark bw-history__mark--missed" : "bw-history__mark"}
      role="img"
      aria-label={label}
    >
      {isMissed ? <MissedIcon /> : entry.direction === "incoming" ? <IncomingIcon /> : <OutgoingIcon />}
    </span>
  );
}

function Entry({
  entry,
  onCallBack,
  reportOf,
  detailsOf,
  isCallDisabled,
}: Omit<CallHistoryProps, "entries"> & { entry: HistoryEntry }) {
  const texts = useTexts();
  const isMissed = entry.outcome === "missed";
  return (
    <li className="bw-history__entry">
      <Avatar face={entry.peer} />
      <div className="bw-history__text">
        <span className={isMissed ? "bw-history__name bw-history__name--missed" : "bw-history__name"}>
          {entry.peer.name}
        </span>
        <span className="bw-history__detail">
          <DirectionMark entry={entry} />
          <span>{texts.outcome[entry.outcome]}</span>
          {entry.duration > 0 && <time dateTime={isoDuration(entry.duration)}>{formatDuration(entry.duration)}</time>}
          {reportOf && entry.duration > 0 && (
            <a className="bw-history__report" href={reportOf(entry)} target="_blank" rel="noopener">
              {texts.report}
              <span className="bw-visually-hidden"> {texts.reportWith(entry.peer.name)}</span>
            </a>
          )}
        </span>
      </div>
      <time
        className="bw-history__moment"
        dateTime={entry.startedAt.toISOString()}
        title={entry.startedAt.toLocaleString()}
      >
        {formatMoment(entry.startedAt, new Date(), texts.yesterday)}
      </time>
      {onCallBack && (
        <button
          type="button"
          className="bw-button bw-button--round bw-button--plain"
          aria-label={texts.callBack(entry.peer.name)}
          title={texts.callBack(entry.peer.name)}
          disabled={isCallDisabled || entry.outcome === "ongoing"}
          onClick={() => onCallBack(entry)}
        >
          {entry.callType === "video" ? <CameraIcon /> : <PhoneIcon />}
        </button>
      )}
      {entry.duration > 0 && detailsOf?.(entry)}
    </li>
  );
}

function Empty({ isFiltered }: { isFiltered: boolean }) {
  const texts = useTexts();
  return (
    <div className="bw-history__empty">
      <span className="bw-history__empty-icon">
        <PhoneIcon />
      </span>
      <p className="bw-history__empty-title">{isFiltered ? texts.historyNoneMissed : texts.historyEmptyTitle}</p>
      <p>{isFiltered ? texts.historyNoneMissedText : texts.historyEmptyText}</p>
    </div>
  );
}

/** All, or those that one missed. */
function Filter({ isMissedOnly, onChange }: { isMissedOnly: boolean; onChange: (isMissedOnly: boolean) => void }) {
  const texts = useTexts();
  const choice = (label: string, value: boolean) => (
    <button type="button" className="bw-segment" aria-pressed={isMissedOnly === value} onClick={() => onChange(value)}>
      {label}
    </button>
  );
  return (
    <fieldset className="bw-segments" aria-label={texts.historyFilter}>
      {choice(texts.historyAll, false)}
      {choice(texts.historyMissed, true)}
    </fieldset>
  );
}

export function CallHistory(props: CallHistoryProps) {
  const { entries, isLoading = false, hasFailed = false, hasMore = false } = props;
  const texts = useTexts();
  const [isMissedOnly, setMissedOnly] = useState(false);
  const shown = isMissedOnly ? entries.filter(({ outcome }) => outcome === "missed") : entries;
  return (
    <section className="bw bw-history" aria-label={texts.history} aria-busy={isLoading}>
      {hasFailed && (
        <Notice kind="error" action={props.onRetry && { label: texts.tryAgain, onClick: props.onRetry }}>
          {texts.historyError}
        </Notice>
      )}
      {entries.length > 0 && <Filter isMissedOnly={isMissedOnly} onChange={setMissedOnly} />}
      {shown.length > 0 && (
        <ul className="bw-history__list">
          {shown.map((entry) => (
            <Entry key={entry.id} {...props} entry={entry} />
          ))}
        </ul>
      )}
      {shown.length === 0 && !isLoading && !hasFailed && <Empty isFiltered={isMissedOnly && entries.length > 0} />}
      {hasMore && (
        <button type="button" className="bw-button" disabled={isLoading} onClick={props.onLoadMore}>
          {texts.historyMore}
        </button>
      )}
    </section>
  );
}
