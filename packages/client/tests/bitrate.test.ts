/** How the uplink is shared out. */
import { expect, it } from "vitest";
import { limitOf, shareOf } from "../src/peer/bitrate.js";

it.each([
  [1, 1, 2_400_000],
  [2, 1, 1_200_000],
  [3, 2, 400_000],
  [7, 1, 342_857],
  [0, 0, 2_400_000],
  [100, 2, 80_000],
])("gives each of %d peers and %d pictures %d bit/s", (nPeers, nPictures, share) => {
  expect(shareOf(2_400_000, nPeers, nPictures)).toBe(share);
});

it("makes pictures of a camera as small as their bits want, and those of a screen never", () => {
  expect(limitOf(2_000_000, 720, false)).toMatchObject({ scaleResolutionDownBy: 1, maxFramerate: 30 });
  expect(limitOf(342_857, 720, false)).toMatchObject({ scaleResolutionDownBy: 2, maxFramerate: 30 });
  expect(limitOf(80_000, 720, false)).toMatchObject({ scaleResolutionDownBy: 4, maxFramerate: 15 });
  expect(limitOf(80_000, 120, false).scaleResolutionDownBy).toBe(1);
  expect(limitOf(80_000, 1080, true)).toMatchObject({ scaleResolutionDownBy: 1, maxFramerate: undefined });
});
