/** The badge's tooltip, and the hint that a screen reader hears once. */
import type { Hint, ParticipantSnapshot } from "@bellwire/client";
import { act, cleanup, fireEvent, render, renderHook, screen } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, expect, it, vi } from "vitest";
import { adviceFor } from "../../src/ui/faces.js";
import { QualityBadge } from "../../src/ui/QualityBadge.js";
import { QualityHint, useDismissedHints } from "../../src/ui/QualityHint.js";
import { TextsProvider } from "../../src/ui/texts.js";

afterEach(cleanup);

const loss: Hint = { code: "upload-loss", value: 8, text: "Your upload loses 8 %: turn the camera off." };
const delay: Hint = { code: "long-delay", value: 640, text: "The way is long: an answer takes 640 ms. Leave pauses." };

async function violations(element: Element): Promise<string[]> {
  // Colours need a browser that paints: tests/e2e looks at those. A part of a page is in no landmark.
  const rules = { "color-contrast": { enabled: false }, region: { enabled: false } };
  return (await axe.run(element, { rules })).violations.map(({ id, help }) => `${id}: ${help}`);
}

it("a badge tells the way of media and what could be done in its tooltip", async () => {
  const { container } = render(<QualityBadge quality="poor" path="relay-tls" hint={loss} />);
  const badge = screen.getByRole("img", { name: "Connection: poor" });
  expect(badge.title).toBe(`Connection: poor. Over a relay, by TLS. ${loss.text}`);
  expect(await violations(container)).toEqual([]);
});

it("a badge without more to tell has its word alone", () => {
  render(<QualityBadge quality="good" />);
  expect(screen.getByRole("img").title).toBe("Connection: good");
});

it("a hint comes into a place that was there before, and goes from it", async () => {
  const { container, rerender } = render(<QualityHint hint={null} />);
  const place = screen.getByRole("status");
  expect([place.textContent, place.getAttribute("aria-live")]).toEqual(["", "polite"]);
  rerender(<QualityHint hint={loss} onDismiss={() => {}} />);
  expect(screen.getByRole("status")).toBe(place);
  expect(place.textContent).toBe(loss.text);
  expect(await violations(container)).toEqual([]);
  rerender(<QualityHint hint={null} />);
  expect(place.textContent).toBe("");
});

it("a hint is said in the host's words, by its code and value", () => {
  const hint = ({ code, value, text }: Hint) => (code === "upload-loss" ? `Upload: ${value} % fehlen.` : text);
  render(
    <TextsProvider texts={{ hint }}>
      <QualityHint hint={loss} />
    </TextsProvider>,
  );
  expect(screen.getByRole("status").textContent).toBe("Upload: 8 % fehlen.");
});

it("a kind of hint that was put aside does not come back, another does", () => {
  const onDismiss = vi.fn();
  render(<QualityHint hint={loss} onDismiss={onDismiss} />);
  fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(onDismiss).toHaveBeenCalledWith(loss);
  const { result, rerender } = renderHook(({ hint }) => useDismissedHints(hint), { initialProps: { hint: loss } });
  act(() => result.current[1](loss));
  expect(result.current[0]).toBeNull();
  rerender({ hint: { ...loss, value: 20 } });
  expect(result.current[0]).toBeNull();
  rerender({ hint: delay });
  expect(result.current[0]).toBe(delay);
});

it("is given of the worst connection, and of none that is well", () => {
  const person = (connectionQuality: "good" | "fair" | "poor", connectionHint: Hint | null) =>
    ({ connectionQuality, connectionHint }) as ParticipantSnapshot;
  expect(adviceFor([person("fair", delay), person("poor", loss)])).toBe(loss);
  expect(adviceFor([person("fair", delay), person("poor", null)])).toBe(delay);
  expect(adviceFor([person("good", delay)])).toBeNull();
});
