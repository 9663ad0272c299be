// Engine.IO 4 and Socket.IO 5 by their two public documents, case by case, over real sockets.
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import { Endpoint, handshakeStatus, type Poller, separator, sleep, type Wire } from "./wire.js";

const pingInterval = 300;
const pingTimeout = 200;
const hasty = ["--ping-interval", "300ms", "--ping-timeout", "200ms", "--connect-timeout", "1s"];

// One server that has time, so that what it closes was closed for the case's own reason; one that has none.
let server: Server;
let engine: Endpoint;
let io: Endpoint;
let quick: { engine: Endpoint; io: Endpoint };
beforeAll(async () => {
  const endpoint = (of: Server, name: string) => new Endpoint(of.url, `/${name}.io/`);
  server = await startServer({ args: ["--protocol-echo"], lifetime: "file" });
  engine = endpoint(server, "engine");
  io = endpoint(server, "socket");
  const second = await startServer({ args: ["--protocol-echo", ...hasty], lifetime: "file" });
  quick = { engine: endpoint(second, "engine"), io: endpoint(second, "socket") };
});

const poll = "EIO=4&transport=polling";
const refusal = (code: number, message: string) => ({ code, message });

describe("Engine.IO: handshake", () => {
  it("tells sid, upgrades, heartbeat and size", async () => {
    const answer = await quick.engine.request(poll);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")?.toLowerCase()).toBe("text/plain; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const text = await answer.text();
    expect(text[0]).toBe("0");
    expect(JSON.parse(text.slice(1))).toEqual({
      sid: expect.stringMatching(/^[\w-]{20}$/),
      upgrades: ["websocket"],
      pingInterval,
      pingTimeout,
      maxPayload: 1_000_000,
    });
  });
  it("offers no upgrade on a WebSocket", async () => {
    const wire = await engine.wire();
    expect(wire.handshake?.upgrades).toEqual([]);
    wire.ws.close();
  });
  it.each([
    ["no transport", "GET", "EIO=4", refusal(0, "Transport unknown")],
    ["an unknown transport", "GET", "EIO=4&transport=abc", refusal(0, "Transport unknown")],
    ["an unknown sid", "GET", `${poll}&sid=abc`, refusal(1, "Session ID unknown")],
    ["an unknown sid in a POST", "POST", `${poll}&sid=abc`, refusal(1, "Session ID unknown")],
    ["POST", "POST", poll, refusal(2, "Bad handshake method")],
    ["PUT", "PUT", poll, refusal(2, "Bad handshake method")],
    ["the WebSocket transport without a WebSocket", "GET", "EIO=4&transport=websocket", refusal(3, "Bad request")],
    ["no version", "GET", "transport=polling", refusal(5, "Unsupported protocol version")],
    ["another version", "GET", "EIO=3&transport=polling", refusal(5, "Unsupported protocol version")],
    ["a version that is none", "GET", "EIO=abc&transport=polling", refusal(5, "Unsupported protocol version")],
  ])("fails with %s", async (_, method, query, body) => {
    const answer = await engine.request(query, { method });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual(body);
  });
  it.each(["EIO=3&transport=websocket", "transport=websocket", "EIO=4", "EIO=4&transport=abc"])(
    "refuses a WebSocket with %s",
    async (query) => {
      expect(await handshakeStatus(server.port, `/engine.io/?${query}`)).toBe(400);
    },
  );
  it("refuses foreign origins before any session is made", async () => {
    const answer = await engine.request(poll, { headers: { origin: "https://evil.example" } });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    const target = "/engine.io/?EIO=4&transport=websocket";
    expect(await handshakeStatus(server.port, target)).toBe(101);
    expect(await handshakeStatus(server.port, target, ["Origin: https://evil.example"])).toBe(403);
  });
});

describe("Engine.IO: messages by polling", () => {
  it.each([
    ["one", "4hello"],
    ["several", ["4test1", "4test2", "4test3"].join(separator)],
    ["text and binary", `4hello${separator}bAQIDBA==`],
    ["none but an empty one", "4"],
    ["characters of all lengths", "4aé€😀"],
  ])("come back: %s", async (_, body) => {
    const poller = await engine.poller();
    const answer = await poller.post(body);
    expect([answer.status, await answer.text()]).toEqual([200, "ok"]);
    expect(await poller.text()).toBe(body);
  });
  it.each(["abc", "", "4a\x1e", "7", "bAQ", "2"])("close the session when malformed: %j", async (body) => {
    const poller = await engine.poller();
    expect((await poller.post(body)).status).toBe(400);
    expect((await poller.poll()).status).toBe(400);
  });
  it("close the session on a second poll at once", async () => {
    const poller = await engine.poller();
    const first = await poller.begin();
    const second = await poller.poll();
    expect((await first.answer).text).toBe("1");
    expect(second.status).toBe(400);
    expect((await poller.poll()).status).toBe(400);
  });
  it("close the session when a poll is aborted", async () => {
    const poller = await engine.poller();
    (await poller.begin()).abort();
    await expect.poll(async () => (await poller.post("4x")).status, { timeout: 10_000 }).toBe(400);
  });
  it("may not be larger than maxPayload", async () => {
    const poller = await engine.poller();
    expect((await poller.post(`4${"x".repeat(1_000_000)}`)).status).toBe(413);
    const all = `4${"x".repeat(999_999)}`;
    expect((await poller.post(all)).status).toBe(200);
    expect(await poller.text()).toBe(all);
  });
});

describe("Engine.IO: messages by WebSocket", () => {
  it("come back, text and binary", async () => {
    const wire = await engine.wire();
    wire.send("4hello", Uint8Array.from([1, 2, 3]), "4");
    expect(await wire.next()).toBe("4hello");
    expect(await wire.next()).toEqual(Uint8Array.from([1, 2, 3]));
    expect(await wire.next()).toBe("4");
    wire.ws.close();
  });
  it.each(["abc", "", "2", "8"])("close the session when malformed: %j", async (text) => {
    const wire = await engine.wire();
    wire.send(text);
    await wire.closed;
  });
  it("may not be larger than maxPayload", async () => {
    const wire = await engine.wire();
    wire.send(`4${"x".repeat(1_000_000)}`);
    expect(await wire.closed).toBe(1009);
  });
});

describe("Engine.IO: heartbeat", () => {
  it("is kept up by polling", async () => {
    const patient = await startServer({ args: ["--protocol-echo", "--ping-interval", "300ms"] });
    const poller = await new Endpoint(patient.url, "/engine.io/").poller();
    for (let i = 0; i < 3; i++) {
      expect(await poller.text()).toBe("2");
      expect((await poller.post("3")).status).toBe(200);
    }
  });
  it("ends a silent poller after interval and timeout", async () => {
    const poller = await quick.engine.poller();
    await sleep(pingInterval + pingTimeout);
    expect((await poller.poll()).status).toBe(400);
  });
  it("keeps a poller that is only late", async () => {
    // A busy machine wakes us too late now and then, and then it is another case.
    for (let tried = 0, late = true; late; tried++) {
      expect(tried).toBeLessThan(20);
      const poller = await quick.engine.poller();
      const from = performance.now();
      await sleep(pingInterval + pingTimeout - 100);
      const answer = await poller.text();
      late = performance.now() - from > pingInterval + pingTimeout - 10;
      if (!late) expect(answer).toBe("2");
    }
  });
  it("is on time to about 10 ms on a WebSocket, and ends a silent one", async () => {
    const lateness: number[] = [];
    // A busy machine wakes us late now and then; a wrong timer is wrong each time.
    for (let n = 0; n < 10 && !lateness.some((ms) => ms < 40); n++) {
      const wire = quick.engine.socket("EIO=4&transport=websocket");
      await wire.closed;
      const closed = performance.now();
      const [opened = 0, ping = 0] = wire.times;
      expect(wire.times.length).toBe(2);
      lateness.push(Math.max(Math.abs(ping - opened - pingInterval), Math.abs(closed - ping - pingTimeout)));
    }
    expect(Math.min(...lateness), `late by ${lateness.map(Math.round)} ms`).toBeLessThan(40);
  });
});

describe("Engine.IO: close", () => {
  it("by POST lets the waiting poll go with a noop", async () => {
    const poller = await engine.poller();
    const waiting = await poller.begin();
    expect(await (await poller.post("1")).text()).toBe("ok");
    expect((await waiting.answer).text).toBe("6");
    expect((await poller.poll()).status).toBe(400);
  });
  it("by WebSocket ends it", async () => {
    const wire = await engine.wire();
    wire.send("1");
    await wire.closed;
  });
});

describe("Engine.IO: upgrade", () => {
  const upgraded = async (): Promise<[Poller, Wire]> => {
    const poller = await engine.poller();
    const wire = poller.probe();
    await wire.opened;
    wire.send("2probe");
    expect(await wire.next()).toBe("3probe");
    wire.send("5");
    return [poller, wire];
  };
  it("moves a session to a WebSocket; nothing is lost", async () => {
    const poller = await engine.poller();
    const waiting = await poller.begin();
    const wire = poller.probe();
    await wire.opened;
    wire.send("2probe");
    expect(await wire.next()).toBe("3probe");
    expect((await waiting.answer).text).toBe("6");
    await poller.post("4meanwhile");
    wire.send("5", "4hello");
    expect(await wire.next()).toBe("4meanwhile");
    expect(await wire.next()).toBe("4hello");
    wire.ws.close();
  });
  it("answers a poll during the probe with a noop", async () => {
    const poller = await engine.poller();
    const wire = poller.probe();
    await wire.opened;
    wire.send("2probe");
    await wire.next();
    expect(await poller.text()).toBe("6");
    wire.ws.close();
    await wire.closed;
    await poller.post("4still polling");
    expect(await poller.text()).toBe("4still polling");
  });
  it("ends polling of that session", async () => {
    const [poller, wire] = await upgraded();
    wire.send("4hello");
    expect(await wire.next()).toBe("4hello");
    expect((await poller.poll()).status).toBe(400);
    expect((await poller.post("4x")).status).toBe(400);
    wire.send("4still here");
    expect(await wire.next()).toBe("4still here");
    wire.ws.close();
  });
  it("happens once: another WebSocket is let in and closed", async () => {
    const [poller, wire] = await upgraded();
    const second = poller.probe();
    await second.opened;
    await second.closed;
    wire.send("4hello");
    expect(await wire.next()).toBe("4hello");
    wire.ws.close();
  });
});

const connected = async (endpoint = io): Promise<Wire> => {
  const wire = await endpoint.wire();
  wire.send("40");
  await wire.next();
  await wire.next();
  return wire;
};
const sid = expect.stringMatching(/^[\w-]+$/);

describe("Socket.IO: connect", () => {
  it.each([
    ["40", "40", '42["auth",{}]'],
    ['40{"token":"123"}', "40", '42["auth",{"token":"123"}]'],
    ["40/custom,", "40/custom,", '42/custom,["auth",{}]'],
    ['40/custom,{"token":"abc"}', "40/custom,", '42/custom,["auth",{"token":"abc"}]'],
  ])("%s is answered with a sid", async (packet, head, auth) => {
    const wire = await io.wire();
    wire.send(packet);
    const answer = String(await wire.next());
    expect(answer.slice(0, head.length)).toBe(head);
    expect(JSON.parse(answer.slice(head.length))).toEqual({ sid });
    expect(await wire.next()).toBe(auth);
    wire.ws.close();
  });
  it("refuses unknown namespaces", async () => {
    const wire = await io.wire();
    wire.send("40/random");
    expect(await wire.next()).toBe('44/random,{"message":"Invalid namespace"}');
    wire.ws.close();
  });
  it.each(["4abc", '42["message"]', "41", "43[]", "40[]", "40{x}", "4"])("closes on %s instead of it", async (text) => {
    const wire = await io.wire();
    wire.send(text);
    await wire.closed;
  });
  it("closes a connection that joins no namespace", async () => {
    const wire = await quick.io.wire();
    const pong = setInterval(() => wire.ws.readyState === WebSocket.OPEN && wire.send("3"), 250);
    const from = performance.now();
    await wire.closed;
    clearInterval(pong);
    expect(performance.now() - from).toBeGreaterThan(900);
  });
});

describe("Socket.IO: events and acks", () => {
  const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
  const [first, second] = [Uint8Array.from([1, 2, 3]), Uint8Array.from([4, 5, 6])];
  it.each([
    ['42["message",1,"2",{"3":[true]}]', '42["message-back",1,"2",{"3":[true]}]'],
    ['42456["message-with-ack",1,"2",{"3":[false]}]', '43456[1,"2",{"3":[false]}]'],
  ])("%s", async (packet, answer) => {
    const wire = await connected();
    wire.send(packet);
    expect(await wire.next()).toBe(answer);
    wire.ws.close();
  });
  it.each([
    [`452-["message",${placeholders}]`, `452-["message-back",${placeholders}]`],
    [`452-789["message-with-ack",${placeholders}]`, `462-789[${placeholders}]`],
  ])("%s with its attachments", async (packet, answer) => {
    const wire = await connected();
    wire.send(packet, first, second);
    expect([await wire.next(), await wire.next(), await wire.next()]).toEqual([answer, first, second]);
    wire.ws.close();
  });
  it.each(["4abc", "42{}", '42abc["message-with-ack",1]', '4511-["message"]', "40", '42/custom,["message"]'])(
    "%s closes the connection",
    async (packet) => {
      const wire = await connected();
      wire.send(packet);
      await wire.closed;
    },
  );
  it("binary that nobody announced closes the connection", async () => {
    const wire = await connected();
    wire.send(first);
    await wire.closed;
  });
});

describe("Socket.IO: disconnect", () => {
  it("of one namespace leaves the others", async () => {
    const wire = await connected();
    wire.send("40/custom");
    await wire.next();
    await wire.next();
    wire.send("41/custom", '42["message","to the main one"]');
    expect(await wire.next()).toBe('42["message-back","to the main one"]');
    wire.ws.close();
  });
  it("of the last one ends the connection in the end", async () => {
    const wire = await connected(quick.io);
    wire.send("41");
    await wire.closed;
  });
});
