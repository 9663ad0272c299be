/** Where an application said that the server is, in the words of the old SDK. */

/** A token, or what gives a fresh one each time. */
export type CompatToken = string | (() => string | Promise<string>);

export interface Address {
  /** The base of REST and socket: "https://calls.example.org", or "" for the page's own origin. */
  url: string;
  getToken: () => string | Promise<string>;
}

/** "ws://localhost:3000/webrtc" named the namespace; both protocols of the socket stand on HTTP's. */
export function addressOf(wsUrl: string, token: CompatToken): Address {
  const url = wsUrl
    .replace(/^ws(s?):/, "http$1:")
    .replace(/\/+$/, "")
    .replace(/\/webrtc$/, "");
  return { url, getToken: typeof token === "string" ? () => token : token };
}

let last: Address | null = null;

/** The old recording service was made without an address: it goes to where the page's last client went. */
export function rememberAddress(address: Address): void {
  last = address;
}

export function lastAddress(): Address | null {
  return last;
}
