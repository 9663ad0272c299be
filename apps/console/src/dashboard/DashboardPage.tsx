/** What operators look at: what goes on now, and how it went over hours and days. */
import { useCallback, useEffect, useState } from "react";
import { ApiError, ask, type CallFacts, type Levels, type Overview } from "../api.js";
import { Frame, TokenForm, Trouble } from "../Frame.js";
import { type Session, useSession } from "../session.js";
import { Bars } from "./Bars.js";
import { shortTime } from "./time.js";

const EVERY_MS = 3000;
const SPANS = { "24 hours": 24, "7 days": 168, "30 days": 720 } as const;
const LEVELS = ["excellent", "good", "fair", "poor"] as const;

const bytes = (n: number) => {
  const unit = n >= 1e9 ? 1e9 : n >= 1e6 ? 1e6 : 1e3;
  return `${(n / unit).toFixed(1)} ${{ 1e9: "GB", 1e6: "MB", 1e3: "kB" }[unit]}`;
};
const total = (levels: Levels) => LEVELS.reduce((sum, level) => sum + levels[level], 0);
const since = (time: string) => {
  const s = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  return s < 3600
    ? `${Math.floor(s / 60)} min ${s % 60} s`
    : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
};

function Tile({ name, value, note }: { name: string; value: string | number; note?: string }) {
  return (
    <div className="tile">
      <dt>{name}</dt>
      <dd>
        {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

export function LevelBar({ levels }: { levels: Levels }) {
  const all = total(levels);
  if (all === 0) return <span className="hint">not measured</span>;
  const text = LEVELS.map((level) => `${Math.round((100 * levels[level]) / all)} % ${level}`).join(", ");
  return (
    <span className="level-bar" role="img" aria-label={text} title={text}>
      {LEVELS.map((level) => (
        <span key={level} className={`level level--${level}`} style={{ flexGrow: levels[level] }} />
      ))}
    </span>
  );
}

function worstOf({ participants }: CallFacts): string {
  return [...LEVELS].reverse().find((level) => participants.some((one) => one.connectionQuality === level)) ?? "–";
}

function LiveCalls({ calls, onEnd }: { calls: CallFacts[]; onEnd: (id: string) => void }) {
  const [asked, setAsked] = useState<string | null>(null);
  if (calls.length === 0) return <p className="hint">Nobody calls at the moment.</p>;
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>People</th>
            <th>Kind</th>
            <th>State</th>
            <th>Since</th>
            <th>Quality</th>
            <th>
              <span className="bw-visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <tr key={call.id}>
              <td>
                <a href={`/console/report?call=${call.id}`}>
                  {call.participants.map((one) => one.name ?? one.userId).join(", ")}
                </a>
              </td>
              <td>
                {call.callType}, {call.mode}
              </td>
              <td>{call.status}</td>
              <td>{since(call.answeredAt ?? call.startedAt)}</td>
              <td>
                <span className={`word word--${worstOf(call)}`}>{worstOf(call)}</span>
              </td>
              <td className="actions">
                {asked === call.id ? (
                  <>
                    <button type="button" className="bw-button bw-button--danger" onClick={() => onEnd(call.id)}>
                      End it
                    </button>{" "}
                    <button type="button" className="bw-button" onClick={() => setAsked(null)}>
                      Keep
                    </button>
                  </>
                ) : (
                  <button type="button" className="bw-button" onClick={() => setAsked(call.id)}>
                    End…
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Worst({ worst }: { worst: Overview["worst"] }) {
  if (worst.length === 0) return <p className="hint">No call had troubles in this time.</p>;
  return (
    <ol className="worst">
      {worst.map(({ callId, startedAt, levels }) => (
        <li key={callId}>
          <a href={`/console/report?call=${callId}`}>{shortTime(startedAt)}</a>
          <LevelBar levels={levels} />
        </li>
      ))}
    </ol>
  );
}

function Reasons({ reasons }: { reasons: Overview["reasons"] }) {
  const list = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  const most = list[0]?.[1] ?? 1;
  if (list.length === 0) return <p className="hint">No call has ended in this time.</p>;
  return (
    <dl className="reasons">
      {list.map(([reason, n]) => (
        <div key={reason}>
          <dt>{reason.replaceAll("_", " ")}</dt>
          <dd>
            <span className="reason-bar" style={{ width: `${(70 * n) / most}%` }} />
            {n}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function recordingNote(recordings: Overview["now"]["recordings"]): string {
  if (!recordings) return "";
  const uploads = recordings.uploads === 1 ? "1 upload" : `${recordings.uploads} uploads`;
  return `calls; ${uploads}, ${bytes(recordings.bytes)} stored`;
}

interface ViewProps {
  data: Overview;
  span: keyof typeof SPANS;
  onSpan: (span: keyof typeof SPANS) => void;
  onEnd: (id: string) => void;
}

function View({ data, span, onSpan, onEnd }: ViewProps) {
  const { now, spans } = data;
  const calls = spans.reduce((sum, one) => sum + one.calls, 0);
  const answered = spans.reduce((sum, one) => sum + one.answered, 0);
  const recording = now.calls.filter((call) => call.recording?.state === "started").length;
  return (
    <>
      <h1 className="bw-visually-hidden">Dashboard</h1>
      <dl className="tiles" aria-label="Now">
        <Tile name="Active calls" value={now.active} note={`${now.people} people`} />
        <Tile name="Ringing" value={now.ringing} />
        <Tile name="Sockets" value={now.sockets} />
        <Tile
          name="Relay"
          value={now.relay?.allocations ?? "off"}
          note={now.relay ? `allocations, ${bytes(now.relay.bytes)} so far` : ""}
        />
        <Tile name="Recorded now" value={now.recordings ? recording : "off"} note={recordingNote(now.recordings)} />
        <Tile
          name="Answer rate"
          value={calls > 0 ? `${Math.round((100 * answered) / calls)} %` : "–"}
          note={`of ${calls} in ${span}`}
        />
      </dl>
      <section className="card" aria-labelledby="live">
        <h2 id="live">Calls now</h2>
        <LiveCalls calls={now.calls} onEnd={onEnd} />
      </section>
      <section className="card" aria-labelledby="then">
        <div className="card-head">
          <h2 id="then">How it went</h2>
          <fieldset className="tabs" aria-label="Span">
            {(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((name) => (
              <button
                key={name}
                type="button"
                className="bw-button"
                aria-pressed={name === span}
                onClick={() => onSpan(name)}
              >
                {name}
              </button>
            ))}
          </fieldset>
        </div>
        <Bars spans={spans} step={data.step} />
      </section>
      <div className="columns">
        <section className="card" aria-labelledby="worst">
          <h2 id="worst">Worst calls first</h2>
          <Worst worst={data.worst} />
        </section>
        <section className="card" aria-labelledby="reasons">
          <h2 id="reasons">How calls ended</h2>
          <Reasons reasons={data.reasons} />
        </section>
      </div>
    </>
  );
}

function useOverview({ token, drop }: Session, hours: number) {
  const [data, setData] = useState<Overview | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const read = useCallback(async () => {
    if (!token) return;
    try {
      const from = new Date(Date.now() - hours * 3_600_000).toISOString();
      setData(await ask<Overview>(token, `/api/overview?since=${from}`));
      setTrouble(null);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) drop();
      setTrouble(error instanceof Error ? error.message : String(error));
    }
  }, [token, drop, hours]);
  useEffect(() => {
    void read();
    const timer = setInterval(() => document.visibilityState === "visible" && void read(), EVERY_MS);
    return () => clearInterval(timer);
  }, [read]);
  return { data, trouble, read };
}

export function DashboardPage() {
  const session = useSession("user=operator&scope=server");
  const [span, setSpan] = useState<keyof typeof SPANS>("24 hours");
  const { data, trouble, read } = useOverview(session, SPANS[span]);
  const { token } = session;
  const end = (id: string) => {
    if (token) ask(token, `/api/calls/${id}/end`, "POST").then(read, read);
  };
  return (
    <Frame title="Dashboard">
      {!token && !session.isPending && (
        <TokenForm
          session={session}
          why="The dashboard is for operators: paste a token with the scope server, as `bellwire token --scope server` prints it."
        />
      )}
      {trouble && token && <Trouble text={`${trouble} What you see may be old.`} onRetry={() => void read()} />}
      {data && token && <View data={data} span={span} onSpan={setSpan} onEnd={end} />}
    </Frame>
  );
}
