// A live WebM of any size, as a browser's recorder lays it out: no duration, no index, clusters of unknown length.
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";

const hex = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");
const size = (n) => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(n) | (1n << 56n));
  return out;
};
const element = (id, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([hex(id), size(body.length), body]);
};
const unknown = hex("01 ff ff ff ff ff ff ff");

const track = (number, type, codec, ...more) =>
  element(
    "ae",
    element("d7", hex(number)),
    element("73c5", hex(number)),
    element("83", hex(type)),
    element("86", Buffer.from(codec)),
    ...more,
  );

const head = Buffer.concat([
  element("1a45dfa3", element("4286", hex("01")), element("42f7", hex("01")), element("4282", Buffer.from("webm"))),
  hex("18538067"),
  unknown,
  element(
    "1549a966",
    element("2ad7b1", hex("0f4240")),
    element("4d80", Buffer.from("bench")),
    element("5741", Buffer.from("bench")),
  ),
  element(
    "1654ae6b",
    track("01", "01", "V_VP8", element("e0", element("b0", hex("0280")), element("ba", hex("01e0")))),
    track("02", "02", "A_OPUS"),
  ),
]);

const block = (number, at, key, bytes) => {
  const front = Buffer.from([0x80 | number, at >> 8, at & 255, key ? 0x80 : 0]);
  return element("a3", front, bytes);
};

const noise = randomFillSync(Buffer.alloc(1 << 16));

/** A second: thirty pictures, the first of which stands alone, and fifty packets of sound. */
function cluster(bytesPerSecond) {
  const picture = Math.floor((bytesPerSecond - 50 * 180) / 30);
  const blocks = [];
  for (let ms = 0; ms < 1000; ms += 20) {
    if (ms % 100 === 0 || ms % 100 === 40 || ms % 100 === 60)
      blocks.push(block(1, ms, ms === 0, noise.subarray(0, picture)));
    blocks.push(block(2, ms, true, noise.subarray(0, 160)));
  }
  return Buffer.concat([hex("1f43b675"), unknown, element("e7", Buffer.alloc(4)), ...blocks]);
}

/** Writes at least so many bytes; returns how many, and the seconds that they last. */
export function writeWebm(path, bytes, bytesPerSecond = 312_500) {
  const file = openSync(path, "w");
  const second = cluster(bytesPerSecond);
  let written = writeSync(file, head);
  let seconds = 0;
  for (; written < bytes; seconds++) {
    second.writeUInt32BE(seconds * 1000, 4 + 8 + 1 + 8);
    written += writeSync(file, second);
  }
  closeSync(file);
  return { bytes: written, seconds };
}
