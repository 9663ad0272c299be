/** A small card over the page beside the button that opens it: light to dismiss, closed by Escape, above everything. */
import { type ReactNode, type RefObject, useEffect, useId, useRef, useState } from "react";

export interface PopoverProps {
  /** What a screen reader calls the card. */
  label: string;
  /** The button; it gets what ties it to the card. */
  renderButton: (props: PopoverButtonProps) => ReactNode;
  children: ReactNode;
}

export interface PopoverButtonProps {
  buttonRef: RefObject<HTMLButtonElement | null>;
  "aria-haspopup": "dialog";
  "aria-expanded": boolean;
  "aria-controls": string;
  onClick: () => void;
}

const GAP = 8;
const EDGE = 8;

/** Above the button if it has more room there, never beyond the window's edges. */
function place(card: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = Math.min(Math.max(EDGE, at.left + at.width / 2 - width / 2), window.innerWidth - width - EDGE);
  const above = at.top - GAP - height;
  const below = at.bottom + GAP;
  const isAbove = above >= EDGE || at.top > window.innerHeight - at.bottom;
  const top = isAbove ? Math.max(EDGE, above) : Math.min(below, window.innerHeight - height - EDGE);
  card.style.left = `${Math.max(EDGE, left)}px`;
  card.style.top = `${Math.max(EDGE, top)}px`;
}

function useOpenState(card: RefObject<HTMLDivElement | null>, button: RefObject<HTMLButtonElement | null>): boolean {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const element = card.current;
    if (!element) return;
    const onToggle = (event: Event) => setOpen((event as ToggleEvent).newState === "open");
    element.addEventListener("toggle", onToggle);
    return () => element.removeEventListener("toggle", onToggle);
  }, [card]);
  useEffect(() => {
    if (!isOpen) return;
    const move = () => card.current && button.current && place(card.current, button.current);
    move();
    card.current?.querySelector<HTMLElement>("select, button, input")?.focus();
    window.addEventListener("resize", move);
    return () => window.removeEventListener("resize", move);
  }, [isOpen, card, button]);
  return isOpen;
}

export function Popover({ label, renderButton, children }: PopoverProps) {
  const id = useId();
  const card = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const isOpen = useOpenState(card, button);
  const props = { buttonRef: button, "aria-haspopup": "dialog", "aria-expanded": isOpen, "aria-controls": id } as const;
  return (
    <>
      {renderButton({ ...props, onClick: () => card.current?.togglePopover() })}
      <div ref={card} id={id} className="bw bw-popover" popover="auto" role="dialog" aria-label={label}>
        {isOpen && children}
      </div>
    </>
  );
}
