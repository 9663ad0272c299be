/** Plays a recording, with marks on the seek bar for who joined and left. All of it can be done by keyboard. */
import { type CSSProperties, type KeyboardEvent, type RefObject, useRef, useState } from "react";
import { formatDuration } from "./format.js";
import { DownloadIcon, FullScreenIcon, PauseIcon, PlayIcon, SoundIcon, SoundOffIcon } from "./icons.js";
import { useTexts } from "./texts.js";

export interface PlayerMark {
  /** Seconds from the beginning. */
  at: number;
  /** "Carol joined". */
  text: string;
  kind: "joined" | "left";
}

export interface RecordingPlayerProps {
  src: string;
  isAudio: boolean;
  /** Seconds; what the file itself says counts more. */
  duration: number;
  marks?: readonly PlayerMark[];
  /** It cannot be played, or no longer: its address may have expired. */
  onError?: () => void;
}

/** How far the arrow keys go, in seconds. */
const STEP = 5;
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP };

interface Playing {
  at: number;
  duration: number;
  isPlaying: boolean;
  isMuted: boolean;
}

type Media = HTMLMediaElement;

/** What the element does, as its events tell. */
function usePlaying(ref: RefObject<Media | null>, told: number) {
  const [playing, setPlaying] = useState<Playing>({ at: 0, duration: told, isPlaying: false, isMuted: false });
  const look = () => {
    const media = ref.current;
    if (!media) return;
    const { currentTime: at, paused, muted: isMuted } = media;
    const duration = Number.isFinite(media.duration) && media.duration > 0 ? media.duration : told;
    setPlaying({ at, duration, isPlaying: !paused, isMuted });
  };
  const watch = { onTimeUpdate: look, onDurationChange: look, onPlay: look, onPause: look, onVolumeChange: look };
  return { playing, watch: { ...watch, onSeeked: look } };
}

function toggle(media: Media | null): void {
  if (!media?.paused) media?.pause();
  else media.play().catch(() => {}); // the element's error tells
}

interface SeekBarProps {
  playing: Playing;
  marks: readonly PlayerMark[];
  onSeek: (seconds: number) => void;
}

const share = (at: number, duration: number) => (duration > 0 ? Math.min(1, at / duration) : 0);

function SeekBar({ playing: { at, duration }, marks, onSeek }: SeekBarProps) {
  const texts = useTexts();
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onSeek(Math.min(duration, Math.max(0, at + step)));
  };
  return (
    <span className="bw-player__seek" style={{ "--bw-played": share(at, duration) } as CSSProperties}>
      <input
        type="range"
        min={0}
        max={duration}
        step={0.1}
        value={Math.min(at, duration)}
        aria-label={texts.seek}
        aria-valuetext={texts.placeOf(formatDuration(at), formatDuration(duration))}
        onChange={({ currentTarget }) => onSeek(Number(currentTarget.value))}
        onKeyDown={onKeyDown}
      />
      {marks.map((mark) => (
        <span
          key={`${mark.at} ${mark.text}`}
          className={`bw-player__mark bw-player__mark--${mark.kind}`}
          style={{ "--bw-at": share(mark.at, duration) } as CSSProperties}
          aria-hidden="true"
        />
      ))}
    </span>
  );
}

/** The same marks in words; each leads to its place. */
function MarkList({ marks, onSeek }: Omit<SeekBarProps, "playing">) {
  const texts = useTexts();
  if (marks.length === 0) return null;
  return (
    <ol className="bw-player__marks" aria-label={texts.comingAndGoing}>
      {marks.map(({ at, text, kind }) => (
        <li key={`${at} ${text}`}>
          <button type="button" className="bw-player__to" onClick={() => onSeek(at)}>
            <span className={`bw-player__dot bw-player__mark--${kind}`} aria-hidden="true" />
            <time>{formatDuration(at)}</time> {text}
          </button>
        </li>
      ))}
    </ol>
  );
}

export function RecordingPlayer({ src, isAudio, duration: told, marks = [], onError }: RecordingPlayerProps) {
  const texts = useTexts();
  const place = useRef<HTMLFieldSetElement>(null);
  const ref = useRef<HTMLVideoElement>(null);
  const { playing, watch } = usePlaying(ref, told);
  const seek = (seconds: number) => {
    if (ref.current) ref.current.currentTime = seconds;
  };
  const media = { ref, src, preload: "metadata", onError, ...watch } as const;
  const button = (label: string, icon: React.ReactNode, onClick: () => void) => (
    <button
      type="button"
      className="bw-button bw-button--round bw-button--plain"
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      {icon}
    </button>
  );
  return (
    <fieldset ref={place} className={isAudio ? "bw-player" : "bw-player bw-player--video"} aria-label={texts.recording}>
      {/* biome-ignore-start lint/a11y/useMediaCaption: nobody has written down what was said in a call */}
      {isAudio ? <audio {...media} /> : <video {...media} playsInline onClick={() => toggle(ref.current)} />}
      {/* biome-ignore-end lint/a11y/useMediaCaption: as above */}
      <div className="bw-player__bar">
        {button(playing.isPlaying ? texts.pause : texts.play, playing.isPlaying ? <PauseIcon /> : <PlayIcon />, () =>
          toggle(ref.current),
        )}
        <SeekBar playing={playing} marks={marks} onSeek={seek} />
        <span className="bw-player__time" aria-hidden="true">
          {formatDuration(playing.at)} / {formatDuration(playing.duration)}
        </span>
        {button(
          playing.isMuted ? texts.soundOn : texts.soundOff,
          playing.isMuted ? <SoundOffIcon /> : <SoundIcon />,
          () => {
            if (ref.current) ref.current.muted = !ref.current.muted;
          },
        )}
        {!isAudio &&
          document.fullscreenEnabled &&
          button(texts.fullScreen, <FullScreenIcon />, () => {
            if (document.fullscreenElement) void document.exitFullscreen();
            else void place.current?.requestFullscreen();
          })}
        <a
          className="bw-button bw-button--round bw-button--plain"
          href={src}
          download
          aria-label={texts.download}
          title={texts.download}
        >
          <DownloadIcon />
        </a>
      </div>
      <MarkList marks={marks} onSeek={seek} />
    </fieldset>
  );
}
