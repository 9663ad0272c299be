/** The player by keyboard and by what a screen reader hears; and the words of what can go wrong with a recording. */
import { BellwireError } from "@bellwire/client";
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { recordingErrorText } from "../../src/ui/errorText.js";
import { RecordingBadge, RecordingUpload } from "../../src/ui/Recording.js";
import { RecordingPlayer, type RecordingPlayerProps } from "../../src/ui/RecordingPlayer.js";
import { englishTexts as texts } from "../../src/ui/texts.js";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

let place: HTMLElement;
let root: Root;

beforeEach(() => {
  place = document.createElement("div");
  document.body.append(place);
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  place.remove();
});

const find = <T extends Element>(selector: string) => place.querySelector<T>(selector) as T;
const labels = () => [...place.querySelectorAll("[aria-label]")].map((one) => one.getAttribute("aria-label"));

const MARKS: RecordingPlayerProps["marks"] = [
  { at: 10, text: "Carol joined", kind: "joined" },
  { at: 30, text: "Bob left", kind: "left" },
];

function show(more: Partial<RecordingPlayerProps> = {}) {
  act(() => root.render(<RecordingPlayer src="/r/1" isAudio={false} duration={40} marks={MARKS} {...more} />));
  return { media: find<HTMLMediaElement>("video, audio"), seek: find<HTMLInputElement>("input[type=range]") };
}

describe("the player", () => {
  it("has a name for everything, the length of the recording, and a mark for each who came or left", () => {
    const { seek } = show();
    expect(labels()).toEqual(expect.arrayContaining(["Recording", "Play", "Place in the recording", "Download"]));
    expect(seek.max).toBe("40");
    expect(seek.getAttribute("aria-valuetext")).toBe("0:00 of 0:40");
    const bars = [...place.querySelectorAll<HTMLElement>(".bw-player__mark")];
    expect(bars.map((bar) => bar.style.getPropertyValue("--bw-at"))).toEqual(["0.25", "0.75"]);
    expect(find("ol").textContent).toBe("0:10 Carol joined0:30 Bob left");
  });

  it("goes five seconds by an arrow key, never beyond the ends, and to a mark by its button", () => {
    const { media, seek } = show();
    const press = (key: string) =>
      act(() => {
        seek.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        media.dispatchEvent(new Event("timeupdate"));
      });
    press("ArrowLeft");
    expect(media.currentTime).toBe(0);
    press("ArrowRight");
    press("ArrowUp");
    expect(media.currentTime).toBe(10);
    expect(seek.getAttribute("aria-valuetext")).toBe("0:10 of 0:40");
    act(() => {
      place.querySelectorAll<HTMLElement>("li button")[1]?.click();
      media.dispatchEvent(new Event("timeupdate"));
    });
    expect(media.currentTime).toBe(30);
    for (let i = 0; i < 3; i++) press("ArrowRight");
    expect(media.currentTime).toBe(40);
  });

  it("has no picture and no full screen for sound alone", () => {
    const { media } = show({ isAudio: true, marks: [] });
    expect(media.tagName).toBe("AUDIO");
    expect(labels()).not.toContain("Full screen");
    expect(place.querySelector("ol")).toBeNull();
  });

  it("tells when it cannot be played", () => {
    const onError = vi.fn();
    const { media } = show({ onError });
    act(() => void media.dispatchEvent(new Event("error")));
    expect(onError).toHaveBeenCalledOnce();
  });
});

describe("what is told of a recording", () => {
  it("is how much of it is sent, and why it waits", () => {
    act(() => root.render(<RecordingUpload bytes={4_000_000} sentBytes={1_500_000} />));
    expect(place.textContent).toBe("Sending the recording…1.5 MB of 4.0 MB");
    expect(find<HTMLProgressElement>("progress").value).toBe(1_500_000);
    const trouble = new BellwireError("storage_full");
    act(() => root.render(<RecordingUpload bytes={4_000_000} sentBytes={1_500_000} trouble={trouble} />));
    expect(place.textContent).toMatch(/no room for recordings.*Keep this page open/);
  });

  it("is how long and how large it is, and that it is halted", () => {
    const recorder = { state: "recording", elapsedMs: 65_400, bytes: 2_300_000 } as const;
    act(() => root.render(<RecordingBadge name="Alice" recorder={recorder} />));
    expect(place.textContent).toBe("Recording1:05 · 2.3 MB");
    act(() => root.render(<RecordingBadge name="Alice" recorder={{ ...recorder, state: "paused" }} />));
    expect(place.textContent).toBe("Recording paused1:05 · 2.3 MB");
  });

  it.each([
    ["forbidden", /may not record/],
    ["payload_too_large", /larger than allowed/],
    ["storage_full", /no room for the recording/],
    ["device_full", /no room left in this browser/],
    ["not_supported", /cannot record/],
    ["recording_off", /not recorded here/],
    ["already_recorded", /Somebody else/],
  ] as const)("says of %s what is the matter", (code, words) => {
    expect(recordingErrorText(texts, new BellwireError(code))).toMatch(words);
  });
});
