/** Will calls work on this device and in this network? A page for users, with a verdict for the support ticket. */
import { useCallback, useEffect, useRef, useState } from "react";
import { Frame } from "../Frame.js";
import { useSession } from "../session.js";
import { type Context, type Finding, STEPS, verdictOf } from "./steps.js";

const WORDS = { good: "Good", warn: "Look at this", bad: "Does not work" };

function Line({ name, finding, isRunning }: { name: string; finding: Finding | undefined; isRunning: boolean }) {
  return (
    <li className={`check check--${finding?.outcome ?? "open"}`}>
      <span className="check-mark" aria-hidden="true">
        {finding ? { good: "✓", warn: "!", bad: "✕" }[finding.outcome] : isRunning ? "…" : "·"}
      </span>
      <span className="check-name">{name}</span>
      <span>
        {finding && <span className="bw-visually-hidden">{WORDS[finding.outcome]}: </span>}
        {finding?.text ?? (isRunning ? "Being checked…" : "")}
      </span>
    </li>
  );
}

/** A tone that only an ear can judge. */
async function playTone(): Promise<void> {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  gain.gain.value = 0.2;
  tone.frequency.value = 440;
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 1);
  await new Promise((done) => setTimeout(done, 1100));
  await audio.close();
}

function Speakers({ finding, onFinding }: { finding: Finding | undefined; onFinding: (finding: Finding) => void }) {
  return (
    <li className={`check check--${finding?.outcome ?? "open"}`}>
      <span className="check-mark" aria-hidden="true">
        {finding ? { good: "✓", warn: "!", bad: "✕" }[finding.outcome] : "·"}
      </span>
      <span className="check-name">Speakers</span>
      <span>
        {finding?.text ?? "Play a tone, and say whether you hear it."}
        <span className="check-actions no-print">
          <button type="button" className="bw-button" onClick={() => void playTone()}>
            Play a tone
          </button>
          <button
            type="button"
            className="bw-button"
            onClick={() => onFinding({ outcome: "good", text: "The tone was heard." })}
          >
            I hear it
          </button>
          <button
            type="button"
            className="bw-button"
            onClick={() =>
              onFinding({ outcome: "bad", text: "The tone was not heard: look at the volume and the chosen speaker." })
            }
          >
            I hear nothing
          </button>
        </span>
      </span>
    </li>
  );
}

const PATIENCE_MS = 30_000;

/** Its finding; what fails or never ends is one too. */
async function outcomeOf(check: Promise<Finding>): Promise<Finding> {
  const late = new Promise<Finding>((done) =>
    setTimeout(() => done({ outcome: "bad", text: "This did not end within 30 s." }), PATIENCE_MS),
  );
  return Promise.race([check.catch((error: Error): Finding => ({ outcome: "bad", text: error.message })), late]);
}

function useChecks(token: string | null) {
  const [findings, setFindings] = useState<ReadonlyMap<string, Finding>>(new Map());
  const [running, setRunning] = useState<string | null>(null);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const streams = useRef<MediaStream[]>([]);
  const set = (name: string, finding: Finding) => setFindings((before) => new Map(before).set(name, finding));
  const stop = useCallback(() => {
    for (const one of streams.current.splice(0)) for (const track of one.getTracks()) track.stop();
    setStream(null);
  }, []);
  useEffect(() => stop, [stop]);
  const run = async () => {
    setFindings(new Map());
    const context: Context = {
      ...{ token, iceServers: null },
      onStream: (opened) => {
        streams.current.push(opened);
        if (opened.getVideoTracks().length > 0) setStream(opened);
      },
    };
    for (const { name, run: check } of STEPS) {
      setRunning(name);
      set(name, await outcomeOf(check(context)));
    }
    setRunning(null);
    stop();
  };
  return { findings, running, stream, run, set };
}

function reportText(findings: ReadonlyMap<string, Finding>): string {
  const lines = [...findings].map(([name, { outcome, text }]) => `[${outcome}] ${name}: ${text}`);
  return [verdictOf(findings).text, "", ...lines, "", navigator.userAgent, new Date().toISOString()].join("\n");
}

export function CheckPage() {
  const query = new URLSearchParams(location.search);
  const { token } = useSession(`user=${encodeURIComponent(query.get("user") ?? "check")}`);
  const { findings, running, stream, run, set } = useChecks(token);
  const [isCopied, setCopied] = useState(false);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  const isDone = running === null && findings.size >= STEPS.length;
  const verdict = verdictOf(findings);
  return (
    <Frame title="Check this device">
      <section className="card" aria-labelledby="check">
        <div className="card-head">
          <h1 id="check">Will calls work here?</h1>
          <button
            type="button"
            className="bw-button bw-button--primary no-print"
            disabled={running !== null}
            onClick={() => void run()}
          >
            {findings.size > 0 ? "Check again" : "Begin"}
          </button>
        </div>
        <p className="hint">Camera and microphone are opened for a moment; nothing is recorded or sent to anybody.</p>
        {stream && <video ref={video} className="check-video" autoPlay muted playsInline aria-label="Your camera" />}
        <ul className="checks">
          {STEPS.map(({ name }) => (
            <Line key={name} name={name} finding={findings.get(name)} isRunning={running === name} />
          ))}
          <Speakers finding={findings.get("Speakers")} onFinding={(finding) => set("Speakers", finding)} />
        </ul>
        <div role="status" aria-live="polite">
          {isDone && <p className={`check-verdict check-verdict--${verdict.outcome}`}>{verdict.text}</p>}
        </div>
        {isDone && (
          <button
            type="button"
            className="bw-button"
            onClick={() => navigator.clipboard.writeText(reportText(findings)).then(() => setCopied(true))}
          >
            {isCopied ? "Copied" : "Copy for a support ticket"}
          </button>
        )}
      </section>
    </Frame>
  );
}
