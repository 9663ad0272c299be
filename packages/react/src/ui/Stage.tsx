/** The dark room in which a call takes place: a line on top, people in the middle, controls below. Outgoing, running
 *  and ended calls share it, so that nothing jumps when one becomes the other. */
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useRef } from "react";

export interface StageProps {
  /** What a screen reader calls the region. */
  label: string;
  title: ReactNode;
  subtitle?: ReactNode;
  /** Small buttons at the end of the line on top. */
  actions?: ReactNode;
  notice?: ReactNode;
  controls: ReactNode;
  children: ReactNode;
  /** Single keys that act while the focus is inside the stage, so that they never fight with typing elsewhere. */
  keys?: Record<string, (() => void) | undefined>;
}

function isPlainKey(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return false;
  return !(event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]"));
}

/** A host page may show the place of a call a moment after the call. */
const FRAMES_TO_WAIT = 30;

/** Takes the focus when the stage appears, so that its keys act, but not from a page without focus: a call that begins
 *  must not pull it away from another window. The dialog that asked may need a moment to close. */
function useFocusAtFirst(ref: RefObject<HTMLElement | null>) {
  useEffect(() => {
    let frame = 0;
    let framesLeft = FRAMES_TO_WAIT;
    const take = () => {
      const isVisible = ref.current?.checkVisibility?.() ?? true;
      if (document.querySelector("dialog:modal") || (!isVisible && framesLeft-- > 0))
        frame = requestAnimationFrame(take);
      else if (document.hasFocus()) ref.current?.focus({ preventScroll: true });
    };
    take();
    return () => cancelAnimationFrame(frame);
  }, [ref]);
}

export function Stage({ label, title, subtitle, actions, notice, controls, children, keys }: StageProps) {
  const ref = useRef<HTMLElement>(null);
  useFocusAtFirst(ref);

  const onKeyDown = (event: KeyboardEvent) => {
    const action = isPlainKey(event) ? keys?.[event.key.toLowerCase()] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  };

  return (
    <section ref={ref} className="bw bw-stage" aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>
      <header className="bw-stage__head">
        <h2 className="bw-stage__title">{title}</h2>
        <p className="bw-stage__subtitle">{subtitle}</p>
        {actions && <div className="bw-stage__actions">{actions}</div>}
      </header>
      <div className="bw-stage__body">
        <div className="bw-stage__notice">{notice}</div>
        {children}
      </div>
      <div className="bw-stage__controls">{controls}</div>
    </section>
  );
}
