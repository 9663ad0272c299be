/** Browsers keep a page silent until its first click or key; what waits for that hears of it here. */

/** Calls back at every click and key until the returned function is called. */
export function onGesture(callback: () => void): () => void {
  document.addEventListener("pointerdown", callback);
  document.addEventListener("keydown", callback);
  return () => {
    document.removeEventListener("pointerdown", callback);
    document.removeEventListener("keydown", callback);
  };
}

/** Lets a context sound as soon as the browser allows it; returns how to stop trying. */
export function resumeOnGesture(context: AudioContext): () => void {
  return onGesture(() => {
    if (context.state === "suspended") context.resume().catch(() => {});
  });
}
