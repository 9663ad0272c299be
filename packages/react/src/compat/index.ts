/** @bellwire/react/compat: the hook of an older calls SDK, over bellwire. */
export { type CompatCall, useCall } from "./useCall.js";
