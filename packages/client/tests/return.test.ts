/** By which transport a lost socket comes back. */
import { EventEmitter } from "node:events";
import type { Socket } from "socket.io-client";
import { expect, it } from "vitest";
import { returnByWebSocket } from "../src/platform.js";

/** Lost while it used this transport: with which it tries to come back, one time after the other. */
function lostFrom(name: string): (string[] | undefined)[] {
  const engine = { transport: { name } };
  const manager = Object.assign(new EventEmitter(), { engine, opts: {} as { transports?: string[] } });
  const socket = Object.assign(new EventEmitter(), { io: manager });
  returnByWebSocket(socket as unknown as Socket);
  socket.emit("disconnect");
  return [1, 2, 3].map((attempt) => {
    manager.emit("reconnect_attempt", attempt);
    engine.transport.name = manager.opts.transports?.[0] ?? "polling";
    return manager.opts.transports;
  });
}

it("opens a WebSocket at once if it was one, and asks over HTTP every second time", () => {
  expect(lostFrom("websocket")).toEqual([["websocket"], undefined, ["websocket"]]);
});

it("does not insist if it never became one", () => {
  expect(lostFrom("polling")).toEqual([undefined, undefined, undefined]);
});
