// What calls are made of, between two makes of browser and in both directions: Chromium calls Firefox, Firefox calls
// Chromium. Each test has a server of its own, all share two browsers.
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import {
  type Cast,
  type Maker,
  type MediaState,
  makeCast,
  makeNamespace,
  mediaState,
  moreFrames,
  type Namespace,
  note,
  type Person,
  untilMedia,
} from "./lib/index.js";

// Whole calls with a browser that takes seconds to start, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

let namespace: Namespace;
let cast: Cast;
let server: Server;

beforeAll(async () => {
  namespace = makeNamespace();
  namespace.addDeadEnd();
  cast = await makeCast(namespace);
});

beforeEach(async () => {
  server = await startServer({ command: "dev", wrapper: namespace.wrapper });
});

const enter = (maker: Maker, user: string) => cast.enter(maker, user, `http://localhost:${server.port}/?user=${user}`);

const until = (person: Person, condition: (state: MediaState) => boolean) => untilMedia(person.place, condition);

/** They talk: sound goes both ways. */
async function hearEachOther(...people: Person[]): Promise<void> {
  for (const person of people) {
    const { audioPackets } = await mediaState(person.place);
    await until(person, (state) => state.audioPackets > audioPackets + 5);
  }
}

async function seeEachOther(...people: Person[]): Promise<void> {
  for (const person of people) await moreFrames(person.place, 5);
}

/** The end as both see it; nothing stays open on either side. */
async function hangUp(by: Person, other: Person): Promise<void> {
  await by.click("Hang up");
  for (const person of [by, other]) {
    await person.sees("Call ended");
    await until(person, ({ open, liveTracks }) => open === 0 && liveTracks === 0);
  }
}

describe.each<{ caller: Maker; callee: Maker }>([
  { caller: "Chromium", callee: "Firefox" },
  { caller: "Firefox", callee: "Chromium" },
])("$caller calls $callee", ({ caller, callee }) => {
  /** Alice at the caller's browser, bob at the callee's. */
  const enterBoth = async () => [await enter(caller, "alice"), await enter(callee, "bob")] as const;

  async function talk(type: "audio" | "video") {
    const [alice, bob] = await enterBoth();
    await alice.click(type === "video" ? "Call Bob" : "Audio call Bob");
    await bob.click(type === "video" ? "Accept with video" : "Accept");
    const from = performance.now();
    await hearEachOther(alice, bob);
    if (type === "video") await seeEachOther(alice, bob);
    const ms = Math.round(performance.now() - from);
    note(`${caller} calls ${callee}, ${type}: media both ways ${ms} ms after the click on Accept`);
    return [alice, bob] as const;
  }

  it("1:1 audio: both hear, and no camera is opened", async () => {
    const [alice, bob] = await talk("audio");
    for (const person of [alice, bob]) {
      const { tracks, framesDecoded, localTypes } = await mediaState(person.place);
      expect({ tracks, framesDecoded, localTypes }).toEqual({ tracks: 1, framesDecoded: 0, localTypes: ["host"] });
    }
    await hangUp(alice, bob);
  });

  it("1:1 video: both see and hear", async () => {
    const [alice, bob] = await talk("video");
    await alice.seesPicture('[data-participant="bob"] video');
    await bob.seesPicture('[data-participant="alice"] video');
    await hangUp(bob, alice);
  });

  it("four in a group: each sees three others", async () => {
    const [alice, bob] = await enterBoth();
    const [carol, dave] = [await enter(caller, "carol"), await enter(callee, "dave")];
    const all = [alice, bob, carol, dave];
    await alice.click("Group call");
    await alice.click("Call 3 people");
    for (const person of [bob, carol, dave]) await person.click("Accept with video");
    for (const person of all) {
      await until(person, ({ open, framesDecoded }) => open === 3 && framesDecoded > 0);
      for (const other of all.filter((one) => one !== person))
        await person.seesPicture(`[data-participant="${other.user}"] video`);
    }
    await dave.click("Hang up");
    await dave.sees("You left the call");
    for (const person of [alice, bob, carol]) await until(person, ({ open }) => open === 2);
    for (const person of [bob, carol, alice]) await person.click("Hang up");
  });

  it("mute: the mark comes and goes, and so does the sound", async () => {
    const [alice, bob] = await talk("audio");
    const loudness = async () => {
      const before = (await mediaState(bob.place)).audioEnergy;
      await new Promise((done) => setTimeout(done, 1500)); // longer than the pause between two beeps
      return (await mediaState(bob.place)).audioEnergy - before;
    };
    const loud = await loudness();
    expect(loud).toBeGreaterThan(1e-5);
    await alice.click("Mute");
    await bob.marks("alice", "Muted");
    // What was on its way is played first; then browsers differ in how silent they make silence.
    await expect.poll(loudness, { timeout: 10_000 }).toBeLessThan(loud / 50);
    await alice.click("Unmute");
    await bob.marks("alice", "Muted", false);
    await expect.poll(loudness, { timeout: 10_000 }).toBeGreaterThan(loud / 4);
    await hangUp(alice, bob);
  });

  it("video added later, first by the one, then by the other", async () => {
    const [alice, bob] = await talk("audio");
    await alice.click("Turn camera on");
    await bob.seesPicture('[data-participant="alice"] video');
    await seeEachOther(bob);
    expect((await mediaState(alice.place)).framesDecoded).toBe(0);
    await bob.click("Turn camera on");
    await alice.seesPicture('[data-participant="bob"] video');
    await seeEachOther(alice, bob);
    await alice.click("Turn camera off");
    await bob.marks("alice", "Camera off");
    await hearEachOther(alice, bob);
    await hangUp(alice, bob);
  });

  it("screen share, beside the camera's picture, and its end", async () => {
    const [alice, bob] = await talk("video");
    await alice.click("Share screen");
    await bob.sees("Alice shares the screen");
    await bob.seesPicture(".bw-tile--screen video");
    await bob.seesPicture('[data-participant="alice"] video');
    await seeEachOther(alice, bob);
    await alice.click("Stop sharing");
    await bob.misses("Alice shares the screen");
    await seeEachOther(alice, bob);
    await hangUp(bob, alice);
  });

  it("device switch: another microphone and camera in a running call", async () => {
    const [alice, bob] = await talk("video");
    const { tracks } = await mediaState(bob.place);
    await bob.click("Devices");
    for (const label of ["Microphone", "Camera"]) await chooseLast(bob, label);
    await until(bob, (state) => state.tracks === tracks + 2 && state.liveTracks === 2);
    await seeEachOther(alice);
    await hearEachOther(alice, bob);
    await hangUp(alice, bob);
  });

  it("reload in mid-call: the callee returns and the call goes on", async () => {
    const [alice, bob] = await talk("video");
    await bob.reload();
    await bob.click("Return");
    await until(bob, ({ framesDecoded, audioPackets }) => framesDecoded > 0 && audioPackets > 0);
    await seeEachOther(alice, bob);
    await hearEachOther(alice, bob);
    await hangUp(alice, bob);
  });

  it("second tab: it rings too, falls silent, and takes the call over", async () => {
    const [alice, bob] = await enterBoth();
    const tab = await enter(callee, "bob");
    await alice.click("Call Bob");
    await tab.sees("Incoming video call");
    await bob.click("Accept with video");
    await tab.misses("Incoming video call");
    await seeEachOther(alice, bob);
    await tab.click("Return");
    await bob.sees("The call moved to another device");
    await until(bob, ({ open, liveTracks }) => open === 0 && liveTracks === 0);
    await seeEachOther(alice, tab);
    await hangUp(alice, tab);
  });

  it("declined on one device while another one rings", async () => {
    const [alice, phone] = await enterBoth();
    const desk = await enter(caller, "bob"); // of the other make
    await alice.click("Audio call Bob");
    for (const device of [phone, desk]) await device.sees("Incoming audio call");
    await phone.click("Decline");
    await desk.misses("Incoming audio call");
    await alice.sees("Bob declined");
    for (const device of [phone, desk]) {
      expect((await mediaState(device.place)).tracks).toBe(0);
      await device.sees("Declined");
    }
    await until(alice, ({ open, liveTracks }) => open === 0 && liveTracks === 0);
  });
});

/** Chooses the last of a select's options by its label, as a hand would: the page hears of it by its event. */
async function chooseLast(person: Person, label: string): Promise<void> {
  const choose = (label: string) => {
    const labels = [...document.querySelectorAll("label")];
    const select = labels.find((one) => one.textContent?.trim() === label)?.control;
    if (!(select instanceof HTMLSelectElement) || select.options.length < 2) return false;
    const last = select.options[select.options.length - 1]?.value ?? "";
    // React hears of a change only through the setter that the browser itself uses.
    Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value")?.set?.call(select, last);
    select.dispatchEvent(new Event("change", { bubbles: true }));
    return last !== "";
  };
  await person.until(`${label} can be chosen`, choose, label);
}
