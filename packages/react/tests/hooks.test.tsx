/** The hooks over real clients and the server in memory, always under StrictMode. */
import { type Call, type Client, createClient } from "@bellwire/client";
import { act, cleanup, render, renderHook } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeConnection } from "../../client/tests/lib/fakeConnection.js";
import type { FakeMedia } from "../../client/tests/lib/fakeMedia.js";
import { FakeServer } from "../../client/tests/lib/fakeServer.js";
import {
  BellwireProvider,
  MediaView,
  useCall,
  useCallHistory,
  useClient,
  useConnection,
  useConnectionQuality,
  useDevices,
  useIncomingCall,
  useLocalMedia,
  useMediaPreview,
  useParticipant,
  useParticipants,
} from "../src/index.js";
import { recallDevices } from "../src/memory.js";

let server: FakeServer;
let alice: Client;

/** Other tests' leftovers cannot be told apart from ours otherwise. */
const options = (name: string) => ({
  url: "http://fake",
  getToken: () => `token-${name}`,
  platform: server.platform(),
});

const pass = (ms = 400) => act(() => vi.advanceTimersByTimeAsync(ms));

function Provider({ children }: { children: ReactNode }): ReactNode {
  return (
    <StrictMode>
      <BellwireProvider options={options("bob")}>{children}</BellwireProvider>
    </StrictMode>
  );
}

/** All that a page would ask for, and how often it was drawn. */
function usePage() {
  usePage.renders++;
  return {
    client: useClient(),
    connection: useConnection(),
    current: useCall(),
    incoming: useIncomingCall(),
    participants: useParticipants(),
    local: useLocalMedia(),
  };
}
usePage.renders = 0;

async function openPage() {
  const page = renderHook(usePage, { wrapper: Provider });
  await pass();
  return page;
}

async function aliceCalls(): Promise<Call> {
  const calling = alice.call({ channelId: "general", to: "bob" });
  await pass();
  return calling;
}

beforeEach(async () => {
  vi.useFakeTimers();
  localStorage.clear();
  server = new FakeServer();
  alice = createClient(options("alice"));
  void alice.connect();
  await pass();
});

afterEach(async () => {
  cleanup();
  alice.close();
  await pass(1000);
  expect(server.sessions.size).toBe(0); // nothing stays open
  expect(FakeConnection.open.size).toBe(0);
  vi.useRealTimers();
});

describe("the provider", () => {
  it("connects once under StrictMode and closes a moment after the last one left", async () => {
    const page = await openPage();
    expect(page.result.current.connection).toMatchObject({ state: "connected", user: { id: "bob" } });
    expect(server.sessions.size).toBe(2);
    page.unmount();
    expect(server.sessions.size).toBe(2);
    await pass(100);
    expect(server.sessions.size).toBe(2);
    await pass(300);
    expect(server.sessions.size).toBe(1);
  });

  it("keeps the connection over a change of page", async () => {
    const client = createClient(options("bob"));
    const page = () => (
      <StrictMode>
        <BellwireProvider client={client} connect>
          <p>page</p>
        </BellwireProvider>
      </StrictMode>
    );
    const first = render(page());
    await pass();
    const before = [...server.sessions.keys()];
    first.unmount();
    render(page());
    await pass(2000);
    expect([...server.sessions.keys()]).toEqual(before);
    expect(client.getSnapshot().connection).toBe("connected");
  });

  it("leaves a client that was given alone, unless told otherwise", async () => {
    render(<BellwireProvider client={createClient(options("bob"))}>page</BellwireProvider>);
    await pass();
    expect(server.sessions.size).toBe(1);
  });

  it("is missed with words", () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(() => renderHook(() => useClient())).toThrow("BellwireProvider");
    vi.mocked(console.error).mockRestore();
  });

  it("shows a refused token as a failed connection that can be tried again", async () => {
    server.refuseConnections.push("token_invalid", "token_invalid");
    const page = await openPage();
    await pass(5000);
    expect(page.result.current.connection).toMatchObject({ state: "failed", error: { code: "token_invalid" } });
    act(() => page.result.current.connection.retry());
    await pass();
    expect(page.result.current.connection).toMatchObject({ state: "connected", error: null });
  });
});

describe("calls", () => {
  it("ring, are accepted, and end", async () => {
    const page = await openPage();
    const call = await aliceCalls();
    expect(page.result.current.incoming.call).toMatchObject({ state: "ringing-in", startedBy: "alice" });
    expect(page.result.current.current.call).toBeNull();
    act(() => page.result.current.incoming.accept());
    await pass();
    const { incoming, current, participants, local } = page.result.current;
    expect(incoming.calls).toEqual([]);
    expect(current.call).toMatchObject({ id: call.id, state: "active" });
    expect(participants).toMatchObject([{ userId: "alice", media: "connected" }]);
    expect(local).toMatchObject({ isMicrophoneEnabled: true, isCameraEnabled: true });
    act(() => current.hangUp());
    await pass();
    expect(page.result.current.current.call).toMatchObject({ state: "ended", endReason: "hangup" });
    act(() => page.result.current.current.dismiss());
    await pass(0);
    expect(page.result.current.current.call).toBeNull();
    expect(call.state).toBe("ended");
  });

  it("are declined", async () => {
    const page = await openPage();
    const call = await aliceCalls();
    act(() => page.result.current.incoming.decline());
    await pass();
    expect(page.result.current.incoming.call).toBeNull();
    expect(call.endReason).toBe("declined");
  });

  it("go on ringing when the page is left", async () => {
    const page = await openPage();
    const call = await aliceCalls();
    page.unmount();
    await pass(2000);
    expect(call.state).toBe("ringing-out");
  });

  it("go on ringing when the page that made them is left", async () => {
    const client = createClient(options("bob"));
    const route = (
      <StrictMode>
        <BellwireProvider client={client} connect>
          <p>page</p>
        </BellwireProvider>
      </StrictMode>
    );
    const first = render(route);
    await pass();
    const calling = client.call({ channelId: "general", to: "alice" });
    await pass();
    const call = await calling;
    const page = renderHook(useCall, {
      wrapper: ({ children }) => <BellwireProvider client={client}>{children}</BellwireProvider>,
    });
    expect(page.result.current.call).toMatchObject({ state: "ringing-out" });
    page.unmount();
    first.unmount();
    render(route); // the next page
    await pass(2000);
    expect(call.state).toBe("ringing-out");
    expect(alice.getSnapshot().incoming).toHaveLength(1);
  });

  it("are made, and a refusal is in the snapshot instead of a rejection", async () => {
    const page = await openPage();
    server.refuse["POST /api/calls"] = "caller_busy";
    let made: Call | null | undefined;
    void page.result.current.current.start({ channelId: "general", to: "alice" }).then((call) => {
      made = call;
    });
    await pass();
    expect(made).toBeNull();
    expect(page.result.current.current.call).toMatchObject({ state: "ended", error: { code: "caller_busy" } });
  });

  it("draw a page once per participant's event", async () => {
    const page = await openPage();
    const call = await aliceCalls();
    act(() => page.result.current.incoming.accept());
    await pass();
    usePage.renders = 0;
    void call.setMicrophoneEnabled(false);
    await pass();
    expect(page.result.current.participants[0]?.isMuted).toBe(true);
    expect(usePage.renders).toBe(2); // once, which StrictMode doubles
  });

  it("switch devices on and off", async () => {
    const page = await openPage();
    await aliceCalls();
    act(() => page.result.current.incoming.accept());
    await pass();
    act(() => page.result.current.local.toggleCamera());
    await pass();
    expect(page.result.current.local.isCameraEnabled).toBe(false);
    act(() => page.result.current.local.toggleMicrophone());
    await pass();
    expect(page.result.current.local.isMicrophoneEnabled).toBe(false);
    act(() => page.result.current.local.toggleScreenShare());
    await pass();
    expect(page.result.current.local.isScreenSharing).toBe(true);
  });
});

describe("one participant", () => {
  /** What hooks gave last, and how often each was drawn; StrictMode draws twice. */
  const seen: Record<string, unknown> = {};
  const drawn: Record<string, number> = {};

  function Probe({ name, use }: { name: string; use: () => unknown }): ReactNode {
    drawn[name] = (drawn[name] ?? 0) + 1;
    seen[name] = use();
    return null;
  }

  /** Bob's page in a call with alice and carol. */
  async function openProbes(): Promise<[Call, Call]> {
    const carol = createClient(options("carol"));
    let incoming: ReturnType<typeof useIncomingCall> | null = null;
    const Answer = () => {
      incoming = useIncomingCall();
      return null;
    };
    const page = render(
      <Provider>
        <Answer />
        <Probe name="alice" use={() => useParticipant("alice")} />
        <Probe name="carol" use={() => useParticipant("carol")} />
        <Probe name="worst" use={() => useConnectionQuality()} />
        <Probe name="carol's" use={() => useConnectionQuality("carol")} />
      </Provider>,
    );
    void carol.connect();
    await pass();
    const calling = alice.call({ channelId: "general", participants: ["bob", "carol"] });
    await pass();
    const atAlice = await calling;
    act(() => (incoming as unknown as ReturnType<typeof useIncomingCall>).accept());
    await pass();
    const joining = carol.join(atAlice.id);
    await pass();
    const atCarol = await joining;
    closers.push(() => {
      page.unmount();
      carol.close();
    });
    return [atAlice, atCarol];
  }
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  it("is drawn once per event of theirs, and never for the others'", async () => {
    const [atAlice] = await openProbes();
    expect(seen).toMatchObject({ alice: { userId: "alice", isMuted: false }, carol: { userId: "carol" } });
    Object.assign(drawn, { alice: 0, carol: 0, worst: 0 });
    void atAlice.setMicrophoneEnabled(false);
    await pass();
    expect(seen.alice).toMatchObject({ isMuted: true });
    expect(drawn).toMatchObject({ alice: 2, carol: 0, worst: 0 });
  });

  it("has a connection, whose quality is told with the worst of all", async () => {
    const [atAlice] = await openProbes();
    expect([seen.worst, seen["carol's"]]).toEqual([null, null]);
    for (const [userId, connectionQuality] of [
      ["alice", "good"],
      ["carol", "poor"],
    ] as const) {
      const { socket } = [...server.sessions.values()].find((s) => s.userId === userId) ?? {};
      if (!socket) throw new Error(`${userId} has no socket`);
      server.receive(socket, "call.quality", { callId: atAlice.id, connectionQuality } as never, () => {});
    }
    await pass();
    expect([seen.worst, seen["carol's"]]).toEqual(["poor", "poor"]);
  });
});

describe("devices", () => {
  const usb = { deviceId: "usb", kind: "microphone", label: "USB" } as const;

  it("chosen on the last visit are chosen again once they are seen, and not before", async () => {
    localStorage.setItem("bellwire-devices", JSON.stringify({ microphone: "usb", camera: "unplugged" }));
    const page = renderHook(() => useDevices(), { wrapper: Provider });
    await pass();
    expect(page.result.current.selected).toEqual({ microphone: null, camera: null, speaker: null });
    const { media } = server.platforms.at(-1) as { media: { list: object[]; listeners: Set<() => void> } };
    media.list = [usb];
    for (const listener of media.listeners) listener();
    await pass();
    expect(page.result.current.selected).toEqual({ microphone: "usb", camera: null, speaker: null });
    act(() => page.result.current.select("microphone", null));
    expect(JSON.parse(localStorage.getItem("bellwire-devices") ?? "{}")).toMatchObject({ microphone: null });
  });

  it("are looked at before a call, and let go of with the page", async () => {
    const page = renderHook(() => useMediaPreview(), { wrapper: Provider });
    expect(page.result.current.isOpening).toBe(true);
    await pass();
    const { media } = server.platforms.at(-1) as unknown as { media: FakeMedia };
    expect(page.result.current).toMatchObject({ isMicrophoneEnabled: true, isCameraEnabled: true, error: null });
    expect(media.live().map(({ kind }) => kind)).toEqual(["audio", "video"]);
    act(() => page.result.current.setCameraEnabled(false));
    await pass();
    expect(media.live().map(({ kind }) => kind)).toEqual(["audio"]);
    page.unmount();
    await pass();
    expect(media.live()).toEqual([]);
    const again = renderHook(() => useMediaPreview(), { wrapper: Provider });
    await pass();
    expect(again.result.current).toMatchObject({ isMicrophoneEnabled: true, isCameraEnabled: false });
  });

  it("that are missing leave the other one, and are asked for again", async () => {
    const page = renderHook(() => useMediaPreview(), { wrapper: Provider });
    const { media } = server.platforms.at(-1) as unknown as { media: FakeMedia };
    media.refused.video = "no_camera";
    act(() => page.result.current.retry());
    await pass();
    expect(page.result.current).toMatchObject({
      isMicrophoneEnabled: true,
      isCameraEnabled: false,
      error: { code: "no_camera" },
    });
    delete media.refused.video;
    act(() => page.result.current.setCameraEnabled(true));
    await pass();
    expect(page.result.current).toMatchObject({ isCameraEnabled: true, error: null });
  });

  it("are remembered as nothing when the storage holds nonsense", () => {
    localStorage.setItem("bellwire-devices", '{"microphone": 7, "audio": "yes", "camera": null');
    expect(recallDevices()).toEqual({
      selected: { microphone: null, camera: null, speaker: null },
      audio: true,
      video: true,
    });
  });
});

describe("lists", () => {
  it("of calls are asked for again when a call has ended", async () => {
    const page = renderHook(() => useCallHistory(), { wrapper: Provider });
    await pass();
    expect(page.result.current).toMatchObject({ calls: [], isLoading: false, hasMore: false, error: null });
    const call = await aliceCalls();
    void call.hangUp();
    await pass();
    expect(page.result.current.calls).toMatchObject([{ id: call.id }]);
  });

  it("of calls tell why they could not be had", async () => {
    server.refuse["GET /api/users/me/calls"] = "forbidden";
    const page = renderHook(() => useCallHistory(), { wrapper: Provider });
    await pass();
    expect(page.result.current).toMatchObject({ isLoading: false, error: { code: "forbidden" } });
    delete server.refuse["GET /api/users/me/calls"];
    act(() => page.result.current.reload());
    await pass();
    expect(page.result.current.error).toBeNull();
  });

  it("of devices follow what is plugged in", async () => {
    const page = renderHook(() => ({ devices: useDevices(), client: useClient() }), { wrapper: Provider });
    await pass();
    expect(page.result.current.devices.microphones).toEqual([]);
    const usb = { deviceId: "usb", kind: "microphone", label: "USB" } as const;
    const { media } = server.platforms.at(-1) as { media: { list: object[]; listeners: Set<() => void> } };
    media.list = [usb];
    for (const listener of media.listeners) listener();
    await pass();
    expect(page.result.current.devices.microphones).toEqual([usb]);
    act(() => page.result.current.devices.select("microphone", "usb"));
    await pass();
    expect(page.result.current.devices.selected.microphone).toBe("usb");
    page.unmount();
    expect(media.listeners.size).toBe(0);
  });
});

describe("MediaView", () => {
  it("plays what it is given and lets go of it", () => {
    vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
    const stream = new MediaStream();
    const view = render(<MediaView stream={stream} muted className="own" />, { reactStrictMode: true });
    const video = view.container.querySelector("video") as HTMLVideoElement;
    expect(video.srcObject).toBe(stream);
    expect(video.muted).toBe(true);
    view.rerender(<MediaView stream={null} muted />);
    expect(video.srcObject).toBeNull();
  });
});
