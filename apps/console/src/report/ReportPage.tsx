/** Why was that call bad? What happened in one call, over plots of how its connections were. */
import { useMemo, useState } from "react";
import type { CallFacts } from "../api.js";
import { Frame, TokenForm, Trouble } from "../Frame.js";
import { useSession } from "../session.js";
import { describe } from "./events.js";
import { askAllSamples } from "./load.js";
import { clock } from "./model.js";
import { Plots } from "./Plots.js";
import { type Loaded, useReport, wordsOf } from "./useReport.js";
import { type Finding, findingsOf, summaryOf } from "./verdict.js";

function Facts({ call }: { call: CallFacts }) {
  const facts = [
    ["Kind", `${call.callType}, ${call.mode}`],
    ["Began", new Date(call.startedAt).toLocaleString()],
    ["Talked", clock(call.duration)],
    ["Ended", call.endReason ? call.endReason.replaceAll("_", " ") : "it still runs"],
    ["People", call.participants.map((one) => one.name ?? one.userId).join(", ")],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <ol className="findings">
      {findings.map(({ kind, text, evidence, severity }) => (
        <li key={text} className={severity >= 3 ? "finding finding--bad" : "finding"} data-kind={kind}>
          <p>{text}</p>
          <small>{evidence}</small>
        </li>
      ))}
    </ol>
  );
}

function Timeline({ report, timeline, quality }: Loaded) {
  const [isAll, setAll] = useState(false);
  const owners = useMemo(() => new Map(quality.legs.map((leg) => [leg.socketId, leg.userId])), [quality]);
  const rows = timeline
    .map((entry, index) => ({
      entry,
      index,
      ...describe(entry, report, (leg) => report.nameOf(owners.get(leg) ?? null)),
      at: (Date.parse(entry.ts) - report.begin) / 1000,
    }))
    .filter(({ isNotable }) => isAll || isNotable);
  return (
    <section className="card" aria-labelledby="timeline">
      <div className="card-head">
        <h2 id="timeline">What happened</h2>
        <label className="switch no-print">
          <input type="checkbox" checked={isAll} onChange={(e) => setAll(e.target.checked)} /> every measured step
        </label>
      </div>
      <ol className="timeline">
        {rows.map(({ index, at, who, what }) => (
          <li key={index} className="timeline-entry">
            <time>{at < 0 ? `−${clock(-at)}` : clock(at)}</time>
            <span>
              {who && <b>{who}</b>} {what}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const MARKED =
  /^(call\.(accepted|ended|recording)|participant\.(joined|left|muted|video-toggled|screen-toggled|reconnecting|resumed)|client\.(path|restart|limit|picture))$/;

/** All that is stored, with what the page does not show. */
async function exportJson(token: string, { report, timeline }: Loaded): Promise<void> {
  const quality = await askAllSamples(token, report.call.id);
  const blob = new Blob([JSON.stringify({ call: report.call, timeline, quality })], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `call-${report.call.id}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function View({ loaded, onExport }: { loaded: Loaded; onExport: () => void }) {
  const { report, timeline } = loaded;
  const findings = useMemo(() => findingsOf(report, timeline), [report, timeline]);
  const marks = useMemo(
    () => timeline.filter(({ type }) => MARKED.test(type)).map(({ ts }) => (Date.parse(ts) - report.begin) / 1000),
    [report, timeline],
  );
  const [key, setKey] = useState<string | null>(null);
  const connection = report.connections.find((one) => one.key === key) ?? report.connections[0];
  return (
    <>
      <section className="card verdict" aria-labelledby="verdict">
        <div className="card-head">
          <h1 id="verdict">{findings.length > 0 ? "Why was that call bad?" : "How was that call?"}</h1>
          <div className="no-print">
            <button type="button" className="bw-button" onClick={onExport}>
              Export JSON
            </button>{" "}
            <button type="button" className="bw-button" onClick={() => print()}>
              Print
            </button>
          </div>
        </div>
        <p className="summary">{summaryOf(report, findings)}</p>
        <Findings findings={findings} />
        <Facts call={report.call} />
      </section>
      {connection && (
        <section className="card" aria-labelledby="plots">
          <div className="card-head">
            <h2 id="plots">How the connection was: {connection.name}</h2>
            {report.connections.length > 1 && (
              <select
                aria-label="Connection"
                className="no-print"
                value={connection.key}
                onChange={(e) => setKey(e.target.value)}
              >
                {report.connections.map((one) => (
                  <option key={one.key} value={one.key}>
                    {one.name}
                  </option>
                ))}
              </select>
            )}
          </div>
          <Plots connection={connection} length={report.length} marks={marks} />
          <p className="hint">
            Lines down mark what happened; red lines across the limits from which a connection is felt to be bad.
          </p>
        </section>
      )}
      <Timeline {...loaded} />
    </>
  );
}

const query = new URLSearchParams(location.search);

export function ReportPage() {
  const callId = query.get("call") ?? "";
  const session = useSession(
    query.get("user") ? `user=${encodeURIComponent(query.get("user") ?? "")}` : "scope=server",
  );
  const { loaded, trouble, reload, setTrouble } = useReport(session, callId);
  const { token } = session;
  const save = () => {
    if (token && loaded) exportJson(token, loaded).catch((error: Error) => setTrouble(wordsOf(error)));
  };
  return (
    <Frame title="Call report">
      {!callId && <Trouble text="The address names no call: /console/report?call=…" />}
      {!token && !session.isPending && (
        <TokenForm
          session={session}
          why="A report is for those who were in the call: paste a token of theirs, or one of the server."
        />
      )}
      {trouble && token && <Trouble text={trouble} onRetry={reload} />}
      {loaded ? <View loaded={loaded} onExport={save} /> : token && callId && !trouble && <p role="status">Reading…</p>}
    </Frame>
  );
}
