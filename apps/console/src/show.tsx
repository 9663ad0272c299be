/** Puts a page into the document. */
import { type ComponentType, StrictMode } from "react";
import { createRoot } from "react-dom/client";

export function show(Page: ComponentType): void {
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no #root");
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
