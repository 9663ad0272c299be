/** Stands in for a page of which a part did not come: without it the window would stay empty. */

/** Made by hand: what is missing may be the library that draws all else. A browser remembers the failure of a part until
 *  the page is loaded anew. */
export function showMissing(): void {
  const make = <K extends keyof HTMLElementTagNameMap>(tag: K, className: string, ...parts: (Node | string)[]) => {
    const made = Object.assign(document.createElement(tag), { className });
    made.append(...parts);
    return made;
  };
  const words = make(
    "div",
    "",
    make("h1", "", "This page did not load whole"),
    make("p", "", "Is this device online, and is the server running?"),
  );
  const again = Object.assign(make("button", "bw-button", "Try again"), { type: "button" });
  again.addEventListener("click", () => location.reload());
  const card = make("div", "card trouble missing", words, again);
  card.setAttribute("role", "alert");
  document.getElementById("root")?.replaceChildren(make("main", "bw main", card));
}
