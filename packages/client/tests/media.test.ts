/** The browser's names for trouble with devices, as codes that say what a user can do. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { browserMedia } from "../src/media/media.js";

type Names = [name: string, code: string];

function devices(getUserMedia: () => Promise<unknown>): void {
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia, getDisplayMedia: getUserMedia } });
}

const refuse = (name: string) => devices(() => Promise.reject(new DOMException("no", name)));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => error.code,
  );

describe("devices of the browser", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each<Names>([
    ["NotAllowedError", "permission_denied"],
    ["SecurityError", "permission_denied"],
    ["NotFoundError", "no_microphone"],
    ["OverconstrainedError", "no_microphone"],
    ["NotReadableError", "device_in_use"],
    ["TypeError", "media_failed"],
  ])("%s of a microphone is %s", async (name, code) => {
    refuse(name);
    expect(await codeOf(browserMedia().open({ audio: true }))).toBe(code);
  });

  it("tells which device is missing, if only one was asked for", async () => {
    refuse("NotFoundError");
    expect(await codeOf(browserMedia().open({ video: true }))).toBe("no_camera");
    expect(await codeOf(browserMedia().open({ audio: true, video: true }))).toBe("media_failed");
  });

  it("asks for the chosen device and no other", async () => {
    const asked: unknown[] = [];
    const getUserMedia = async (wish: unknown) => {
      asked.push(wish);
      return { getTracks: () => [] };
    };
    vi.stubGlobal("navigator", { mediaDevices: { getUserMedia } });
    await browserMedia().open({ audio: { deviceId: "usb" } });
    expect(asked).toMatchObject([{ audio: { deviceId: { exact: "usb" } }, video: false }]);
  });

  it("is not supported on an insecure page", async () => {
    vi.stubGlobal("navigator", {});
    expect(await codeOf(browserMedia().open({ audio: true }))).toBe("not_supported");
    expect(browserMedia().onDeviceChange(() => {})).toBeTypeOf("function");
  });
});
