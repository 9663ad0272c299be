// The rules of RFC 6455, case by case, with raw frames against Engine.IO's echo: what comes back, or how it is closed.
import { beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../lib/index.js";
import {
  binary,
  close,
  continuation,
  type FrameOptions,
  farewell,
  frame,
  ping,
  pong,
  RawWebSocket,
  text,
} from "./frames.js";

const maxPayload = 100_000;
const target = "/engine.io/?EIO=4&transport=websocket";
let server: Server;

beforeAll(async () => {
  const times = ["--ping-interval", "300s", "--ping-timeout", "300s", "--max-connections", "2000"];
  const args = ["--protocol-echo", "--max-payload", String(maxPayload), ...times];
  server = await startServer({ args, lifetime: "file" });
});

type Pieces = Buffer[];
interface Expected {
  /** Frames that come back, in order. */
  frames?: [opcode: number, payload: string | Buffer][];
  /** The code of the server's close frame (0: without one); the connection then ends. */
  closed?: number;
}
type Case = [name: string, pieces: Pieces, expected: Expected];

const bytesOf = (payload: string | Buffer) => Buffer.from(payload);
const echoed = (...frames: [number, string | Buffer][]): Expected => ({ frames });
const refused = (closed: number, ...frames: [number, string | Buffer][]): Expected => ({ frames, closed });

/** The same bytes in other segments. */
const chopped = (pieces: Pieces, size: number): Pieces => {
  const all = Buffer.concat(pieces);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size));
};

const waysToSend: [name: string, (pieces: Pieces) => Pieces][] = [
  ["frame by frame", (pieces) => pieces],
  ["in one segment", (pieces) => [Buffer.concat(pieces)]],
  ["byte by byte", (pieces) => chopped(pieces, 1)],
];

async function check(pieces: Pieces, { frames = [], closed }: Expected): Promise<void> {
  const ws = await RawWebSocket.open(server.port, target);
  await ws.until(() => ws.frames.length === 1); // Engine.IO's handshake
  ws.frames.length = 0;
  await ws.send(...pieces);
  if (closed !== undefined) await ws.until(() => ws.ended);
  else {
    // What comes last is answered last: nothing else was said before it.
    await ws.send(frame(ping, "end"));
    await ws.until(() => ws.frames.at(-1)?.payload.toString() === "end" || ws.ended);
    expect(ws.ended).toBe(false);
    expect(ws.frames.pop()?.opcode).toBe(pong);
  }
  const heard = ws.frames.map(({ opcode, payload }) => [opcode, payload.toString("latin1")]);
  const wanted = frames.map(([opcode, payload]) => [opcode, bytesOf(payload).toString("latin1")]);
  if (closed !== undefined) wanted.push([close, (closed ? farewell(closed) : Buffer.alloc(0)).toString("latin1")]);
  expect(heard).toEqual(wanted);
}

function catalogue(title: string, cases: Case[], ways = waysToSend): void {
  describe.each(ways)(`${title}, %s`, (_name, way) => {
    it.each(cases)("%s", (_what, pieces, expected) => check(way(pieces), expected));
  });
}

const message = (size: number) => `4${"*".repeat(size - 1)}`;

// --- sizes ---
const sizes = [1, 2, 124, 125, 126, 127, 128, 1000];
catalogue("sizes", [
  ...sizes.map((n): Case => [`text of ${n}`, [frame(text, message(n))], echoed([text, message(n)])]),
  ...[0, ...sizes].map((n): Case => {
    const bytes = Buffer.alloc(n, 0xfe);
    return [`binary of ${n}`, [frame(binary, bytes)], echoed([binary, bytes])];
  }),
]);
catalogue(
  "large sizes",
  [65_535, 65_536, 65_537, maxPayload - 1, maxPayload].flatMap((n): Case[] => [
    [`text of ${n}`, [frame(text, message(n))], echoed([text, message(n)])],
    [`binary of ${n}`, [frame(binary, Buffer.alloc(n, 7))], echoed([binary, Buffer.alloc(n, 7)])],
  ]),
  [
    ["in one segment", (pieces) => pieces],
    ["in pieces of 997", (pieces) => chopped(pieces, 997)],
  ],
);
catalogue("lengths", [
  ["16 bits for what fits 7", [frame(text, "4abc", { form: 16 })], refused(1002)],
  ["64 bits for what fits 7", [frame(text, "4abc", { form: 64 })], refused(1002)],
  ["64 bits for what fits 16", [frame(text, message(300), { form: 64 })], refused(1002)],
  ["16 bits for an empty message", [frame(binary, "", { form: 16 })], refused(1002)],
  ["one byte too much", [frame(binary, "", { says: BigInt(maxPayload + 1) })], refused(1009)],
  ["4 GiB", [frame(binary, "", { says: 1n << 32n })], refused(1009)],
  ["the largest there is", [frame(binary, "", { says: (1n << 63n) - 1n })], refused(1009)],
  ["the highest bit", [frame(binary, "", { says: 1n << 63n })], refused(1002)],
  ["all bits", [frame(binary, "", { says: (1n << 64n) - 1n })], refused(1002)],
]);

// --- masks ---
const masks = ["00000000", "ffffffff", "00ff00ff", "34343434", "12345678"].map((hex) => Buffer.from(hex, "hex"));
catalogue("masks", [
  ...masks.map(
    (mask): Case => [`mask ${mask.toString("hex")}`, [frame(text, "4masked", { mask })], echoed([text, "4masked"])],
  ),
  ...[text, binary, continuation, close, ping, pong].map((opcode): Case => {
    return [
      `no mask on opcode ${opcode}`,
      [frame(opcode, opcode === close ? farewell(1000) : "4", { mask: null })],
      refused(1002),
    ];
  }),
  ["no mask on an empty frame", [frame(binary, "", { mask: null })], refused(1002)],
]);

// --- pings and pongs ---
const binaryPayload = Buffer.from("00fffefdfcfb00ff", "hex");
catalogue("pings", [
  ["an empty one", [frame(ping)], echoed([pong, ""])],
  ["one with text", [frame(ping, "hello")], echoed([pong, "hello"])],
  ["one with bytes that are no text", [frame(ping, binaryPayload)], echoed([pong, binaryPayload])],
  ["one of 125 bytes", [frame(ping, "x".repeat(125))], echoed([pong, "x".repeat(125)])],
  ["one of 126 bytes", [frame(ping, "x".repeat(126))], refused(1002)],
  ["one with a long form of its length", [frame(ping, "x", { form: 16 })], refused(1002)],
  [
    "ten",
    Array.from({ length: 10 }, (_, i) => frame(ping, `${i}`)),
    echoed(...Array.from({ length: 10 }, (_, i): [number, string] => [pong, `${i}`])),
  ],
  ["a pong that nobody asked for", [frame(pong)], echoed()],
  ["a pong with a payload, then a ping", [frame(pong, "a"), frame(ping, "b")], echoed([pong, "b"])],
  ["ten pongs", Array.from({ length: 10 }, () => frame(pong, "x")), echoed()],
  ["a pong of 126 bytes", [frame(pong, "x".repeat(126))], refused(1002)],
]);

// --- reserved bits and opcodes ---
const kinds: [string, number, string | Buffer, FrameOptions?][] = [
  ["text", text, "4abc"],
  ["binary", binary, "abc"],
  ["a first fragment", text, "4a", { fin: false }],
  ["a ping", ping, "x"],
  ["a pong", pong, "x"],
  ["a close", close, farewell(1000)],
];
catalogue("reserved bits", [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
    kinds.map(([what, opcode, payload, options]): Case => {
      return [`${rsv} on ${what}`, [frame(opcode, payload, { ...options, rsv })], refused(1002)];
    }),
  ),
  ["4 behind a good message", [frame(text, "4good"), frame(text, "4bad", { rsv: 4 })], refused(1002, [text, "4good"])],
  ["4 on a continuation", [frame(text, "4a", { fin: false }), frame(continuation, "b", { rsv: 4 })], refused(1002)],
]);
const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
catalogue(
  "reserved opcodes",
  reservedOpcodes.flatMap((opcode): Case[] => [
    [`${opcode}`, [frame(opcode)], refused(1002)],
    [`${opcode} with a payload`, [frame(opcode, "abc")], refused(1002)],
    [
      `${opcode} behind a message`,
      [frame(text, "4good"), frame(opcode, "abc"), frame(ping)],
      refused(1002, [text, "4good"]),
    ],
    [
      `${opcode} between fragments`,
      [frame(text, "4a", { fin: false }), frame(opcode), frame(continuation, "b")],
      refused(1002),
    ],
  ]),
);

// --- fragments ---
const part = (opcode: number, payload: string | Buffer) => frame(opcode, payload, { fin: false });
catalogue("fragments", [
  ["text in two", [part(text, "4ab"), frame(continuation, "cd")], echoed([text, "4abcd"])],
  ["binary in two", [part(binary, "ab"), frame(continuation, "cd")], echoed([binary, "abcd"])],
  ["in two, the second empty", [part(text, "4ab"), frame(continuation)], echoed([text, "4ab"])],
  ["in two, the first empty", [part(text, ""), frame(continuation, "4ab")], echoed([text, "4ab"])],
  ["all empty but the middle", [part(text, ""), part(continuation, "4ab"), frame(continuation)], echoed([text, "4ab"])],
  ["all empty", [part(binary, ""), part(continuation, ""), frame(continuation)], echoed([binary, ""])],
  [
    "a byte each",
    [part(text, "4"), ...[..."abcdefgh"].map((c) => part(continuation, c)), frame(continuation, "i")],
    echoed([text, "4abcdefghi"]),
  ],
  [
    "a ping between",
    [part(text, "4a"), frame(ping, "p"), frame(continuation, "b")],
    echoed([pong, "p"], [text, "4ab"]),
  ],
  ["a pong between", [part(text, "4a"), frame(pong, "p"), frame(continuation, "b")], echoed([text, "4ab"])],
  [
    "pings between many",
    [part(text, "4a"), frame(ping, "1"), part(continuation, "b"), frame(ping, "2"), frame(continuation, "c")],
    echoed([pong, "1"], [pong, "2"], [text, "4abc"]),
  ],
  [
    "two messages",
    [part(text, "4a"), frame(continuation, "b"), part(binary, "c"), frame(continuation, "d")],
    echoed([text, "4ab"], [binary, "cd"]),
  ],
  ["a close between", [part(text, "4a"), frame(close, farewell(1000))], refused(1000)],
  ["a fragmented ping", [part(ping, "a"), frame(continuation, "b")], refused(1002)],
  ["a fragmented pong", [part(pong, "a"), frame(continuation, "b")], refused(1002)],
  ["a fragmented close", [part(close, farewell(1000)), frame(continuation)], refused(1002)],
  ["a continuation of nothing", [frame(continuation, "4a")], refused(1002)],
  ["an unfinished continuation of nothing", [part(continuation, "4a"), frame(text, "4b")], refused(1002)],
  ["an empty continuation of nothing", [frame(continuation)], refused(1002)],
  ["a continuation behind a whole message", [frame(text, "4a"), frame(continuation, "b")], refused(1002, [text, "4a"])],
  ["text inside text", [part(text, "4a"), frame(text, "4b")], refused(1002)],
  ["binary inside text", [part(text, "4a"), frame(binary, "b")], refused(1002)],
  ["text inside binary", [part(binary, "a"), frame(text, "4b")], refused(1002)],
  ["a first fragment inside fragments", [part(text, "4a"), part(text, "4b")], refused(1002)],
]);

// --- UTF-8 ---
const hex = (digits: string) => Buffer.concat([Buffer.from("4"), Buffer.from(digits.replaceAll(" ", ""), "hex")]);
const wellFormed = {
  Greek: hex("ce ba e1 bd b9 cf 83 ce bc ce b5"),
  "the last of one byte": hex("7f"),
  "the first of two": hex("c2 80"),
  "the last of two": hex("df bf"),
  "the first of three": hex("e0 a0 80"),
  "below the surrogates": hex("ed 9f bf"),
  "above the surrogates": hex("ee 80 80"),
  "the replacement": hex("ef bf bd"),
  "a non-character": hex("ef bf bf"),
  "another non-character": hex("ef b7 90"),
  "the byte order mark": hex("ef bb bf 61"),
  "the first of four": hex("f0 90 80 80"),
  "an emoji": hex("f0 9f 91 8b"),
  "the last of all": hex("f4 8f bf bf"),
  NUL: hex("00"),
};
const illFormed = {
  "a lone continuation byte": hex("80"),
  "the last continuation byte": hex("bf"),
  "two continuation bytes": hex("80 bf"),
  "an overlong slash of two": hex("c0 af"),
  "an overlong slash of three": hex("e0 80 af"),
  "an overlong slash of four": hex("f0 80 80 af"),
  "an overlong NUL": hex("c0 80"),
  "overlong below two": hex("c1 bf"),
  "overlong below three": hex("e0 9f bf"),
  "overlong below four": hex("f0 8f bf bf"),
  "a high surrogate": hex("ed a0 80"),
  "the last high surrogate": hex("ed af bf"),
  "a low surrogate": hex("ed b0 80"),
  "a pair of surrogates": hex("ed a0 81 ed b0 80"),
  "beyond the last": hex("f4 90 80 80"),
  "five bytes": hex("f8 88 80 80 80"),
  "six bytes": hex("fc 84 80 80 80 80"),
  FE: hex("fe"),
  FF: hex("ff"),
  "two cut short by a letter": hex("c3 28"),
  "three cut short by a letter": hex("e2 82 28"),
  "four cut short by a letter": hex("f0 90 80 28"),
  "good text, then a surrogate, then good text": hex("ce ba ed a0 80 65 64"),
};
const cutShort = {
  "two bytes without the second": hex("61 c3"),
  "three without the third": hex("e2 82"),
  "four without the fourth": hex("f0 90 80"),
};
const eachByte = (bytes: Buffer): Pieces => [
  part(text, bytes.subarray(0, 1)),
  ...[...bytes.subarray(1)].map((byte) => part(continuation, Buffer.from([byte]))),
  frame(continuation),
];
catalogue("UTF-8", [
  ...Object.entries(wellFormed).flatMap(([what, bytes]): Case[] => [
    [what, [frame(text, bytes)], echoed([text, bytes])],
    [`${what}, a fragment each byte`, eachByte(bytes), echoed([text, bytes])],
  ]),
  ...Object.entries({ ...illFormed, ...cutShort }).flatMap(([what, bytes]): Case[] => [
    [what, [frame(text, bytes)], refused(1007)],
    [`${what}, a fragment each byte`, eachByte(bytes), refused(1007)],
  ]),
  // The connection ends at the first byte that cannot be right, not at the message's end.
  ...Object.entries(illFormed).map(([what, bytes]): Case => [`${what}, at once`, [part(text, bytes)], refused(1007)]),
  ...Object.entries(illFormed).map(
    ([what, bytes]): Case => [`${what} in binary`, [frame(binary, bytes)], echoed([binary, bytes])],
  ),
]);

// --- closing ---
const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const badCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535];
catalogue("closing", [
  ...goodCodes.map((code): Case => [`${code}`, [frame(close, farewell(code))], refused(code)]),
  ...goodCodes.map((code): Case => [`${code} with a reason`, [frame(close, farewell(code, "grüezi"))], refused(code)]),
  ...badCodes.map((code): Case => [`${code}, which nobody may send`, [frame(close, farewell(code))], refused(1002)]),
  ["without a code", [frame(close)], refused(0)],
  ["half a code", [frame(close, Buffer.from([3]))], refused(1002)],
  ["the longest reason", [frame(close, farewell(1000, "x".repeat(123)))], refused(1000)],
  ["too long a reason", [frame(close, farewell(1000, "x".repeat(124)))], refused(1002)],
  ["a reason that is no text", [frame(close, farewell(1000, Buffer.from("ff", "hex")))], refused(1007)],
  ["a reason cut short", [frame(close, farewell(1000, Buffer.from("e282", "hex")))], refused(1007)],
  ["a message first", [frame(text, "4a"), frame(close, farewell(1000))], refused(1000, [text, "4a"])],
  ["a message behind it", [frame(close, farewell(1000)), frame(text, "4a")], refused(1000)],
  ["a ping behind it", [frame(close, farewell(1000)), frame(ping)], refused(1000)],
  ["twice", [frame(close, farewell(1000)), frame(close, farewell(1001))], refused(1000)],
  ["rubbish behind it", [frame(close, farewell(1000)), Buffer.from("ffffffffff", "hex")], refused(1000)],
]);

it("too much in fragments is refused before it has come", async () => {
  await check(
    [part(binary, Buffer.alloc(maxPayload - 5)), frame(continuation, "", { says: 6n, fin: false })],
    refused(1009),
  );
});

it("thousands of empty fragments cost nothing and end nothing", async () => {
  const many = Buffer.concat(Array.from({ length: 5000 }, () => part(continuation, "")));
  await check([part(binary, "a"), many, frame(continuation, "b")], echoed([binary, "ab"]));
});
