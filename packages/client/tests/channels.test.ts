/** Group calls that went on in a channel before one came. */
import { beforeEach, describe, expect, it } from "vitest";
import { Channels } from "../src/channels.js";
import { BellwireError } from "../src/errors.js";
import type { Call as CallData } from "../src/generated/events.js";

let asked: string[];
let found: string[];
let errors: string[];
let calls: Record<string, Pick<CallData, "id" | "mode" | "status">>;
let channels: Channels;

const settle = () => new Promise((done) => setTimeout(done, 0));

beforeEach(() => {
  [asked, found, errors, calls] = [[], [], [], {}];
  channels = new Channels({
    async activeCall(channelId) {
      asked.push(channelId);
      if (channelId === "secret") throw new BellwireError("forbidden");
      return (calls[channelId] as CallData | undefined) ?? null;
    },
    onCall: ({ id }) => found.push(id),
    onError: ({ code }) => errors.push(code),
  });
});

describe("channels that are watched", () => {
  it("are asked when one is connected, again after each connection, and no more once nobody watches", async () => {
    const stop = channels.watch("a");
    const stopToo = channels.watch("a");
    expect(asked).toEqual([]);
    channels.setConnected(true);
    channels.setConnected(true);
    channels.watch("b");
    expect(asked).toEqual(["a", "b"]);
    stop();
    stop();
    channels.setConnected(false);
    channels.setConnected(true);
    expect(asked).toEqual(["a", "b", "a", "b"]);
    stopToo();
    channels.setConnected(false);
    channels.setConnected(true);
    expect(asked).toEqual(["a", "b", "a", "b", "b"]);
  });

  it("offer group calls that go on, and no others", async () => {
    calls = {
      goes: { id: "1", mode: "group", status: "active" },
      rings: { id: "2", mode: "group", status: "ringing" },
      two: { id: "3", mode: "direct", status: "active" },
      left: { id: "4", mode: "group", status: "active" },
    };
    channels.setConnected(true);
    for (const channelId of ["goes", "rings", "two", "empty", "secret"]) channels.watch(channelId);
    channels.watch("left")();
    await settle();
    expect(found).toEqual(["1"]);
    expect(errors).toEqual(["forbidden"]);
  });
});
