// What a browser test needs, in one import.
export { launchChromium, newPerson, note, type PersonOptions, screenshot, wear } from "./browser.js";
export { type Coturn, startCoturn, turnCredential, turnSecret } from "./coturn.js";
export { type FirefoxPage, launchFirefox, newFirefoxPage, startFirefox } from "./firefox.js";
export { type Link, type LinkState, makeLink, type WayTold } from "./link.js";
export { makeNamespace, type Namespace } from "./namespace.js";
export { makeHome, makeInternet, type Nat, type NatRules } from "./nat.js";
export {
  clickToFirstFrame,
  type MediaState,
  mediaState,
  moreFrames,
  type Place,
  paintScreen,
  untilMedia,
} from "./peers.js";
export { type Cast, type Maker, makeCast, type Person } from "./person.js";
