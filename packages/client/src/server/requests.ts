/** What is asked of the server about calls, over HTTP or the socket, whichever is there. */
import { BellwireError } from "../errors.js";
import type {
  ActiveCallAnswer,
  CallAnswer,
  CallPage,
  CreateCall,
  CreateCallAnswer,
  HistoryPage,
  PutQuality,
} from "../generated/api.js";
import type { Call as CallData, CallType, Direction, Outcome } from "../generated/events.js";
import type { CallOptions } from "../types.js";
import { historyOf } from "./history.js";
import type { Rest } from "./rest.js";
import type { Signaling } from "./signaling.js";

export interface HistoryQuery {
  /** The calls of one channel instead of one's own everywhere. */
  channelId?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
  callType?: CallType | undefined;
  /** These two only without channelId. */
  outcome?: Outcome | undefined;
  direction?: Direction | undefined;
}

const CREATE_TRIES = 3;
const CREATE_RETRY_MS = 500;

export class Requests {
  readonly #rest: Rest;
  readonly #signaling: Signaling;

  constructor(rest: Rest, signaling: Signaling) {
    this.#rest = rest;
    this.#signaling = signaling;
  }

  /** The id is our own, so that asking again after a lost answer makes no second call. */
  async create(id: string, options: CallOptions, isOver: () => boolean): Promise<CallData> {
    const body = createBody(id, options);
    for (let tries = 1; ; tries++) {
      try {
        return (await this.#rest.request<CreateCallAnswer>("/api/calls", { method: "POST", body })).call;
      } catch (thrown) {
        const error = BellwireError.from(thrown, "internal");
        if (!error.retryable || tries >= CREATE_TRIES || isOver()) throw error;
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? CREATE_RETRY_MS * tries));
      }
    }
  }

  async get(callId: string): Promise<CallData> {
    return (await this.#rest.request<CallAnswer>(pathOf(callId))).call;
  }

  /** The call that rings or runs in a channel. */
  async activeCall(channelId: string): Promise<CallData | null> {
    return (await this.#rest.request<ActiveCallAnswer>(`${pathOfChannel(channelId)}/calls/active`)).call;
  }

  /** By the socket if it is there; a call that is over already is left. */
  async leave(callId: string, verb: "cancel" | "decline" | "leave"): Promise<void> {
    // Only HTTP can take back a call that the server may not have heard of yet.
    if (verb !== "cancel" && (await this.#leaveBySocket(callId, verb))) return;
    await this.#rest.request(`${pathOf(callId)}/${verb}`, { method: "POST", body: {} });
  }

  async keepQuality(callId: string, body: PutQuality): Promise<void> {
    await this.#rest.request(`${pathOf(callId)}/quality`, { method: "POST", body });
  }

  async history(query: HistoryQuery, ownUserId: string): Promise<HistoryPage> {
    const { channelId, cursor, limit, callType, outcome, direction } = query;
    const filter = { cursor, limit, callType };
    if (channelId === undefined)
      return this.#rest.request("/api/users/me/calls", { query: { ...filter, outcome, direction } });
    const page = await this.#rest.request<CallPage>(`${pathOfChannel(channelId)}/calls`, { query: filter });
    return { ...page, calls: page.calls.map((call) => historyOf(call, ownUserId)) };
  }

  async #leaveBySocket(callId: string, verb: "decline" | "leave"): Promise<boolean> {
    try {
      await this.#signaling.request(`call.${verb}`, { callId });
      return true;
    } catch (thrown) {
      const error = BellwireError.from(thrown, "internal");
      if (isOver(error.code)) return true;
      if (!error.retryable) throw error;
      return false;
    }
  }
}

function pathOf(callId: string): string {
  return `/api/calls/${encodeURIComponent(callId)}`;
}

function pathOfChannel(channelId: string): string {
  return `/api/channels/${encodeURIComponent(channelId)}`;
}

function createBody(id: string, options: CallOptions): CreateCall {
  const { channelId, type: callType = "video", to, participants, mode, ringTimeout, metadata } = options;
  const body: CreateCall = { id, channelId, callType, participants: participants ?? (to === undefined ? [] : [to]) };
  if (mode !== undefined) body.mode = mode;
  if (ringTimeout !== undefined) body.ringTimeout = ringTimeout;
  if (metadata !== undefined) body.metadata = metadata;
  return body;
}

function isOver(code: string): boolean {
  return code === "call_ended" || code === "call_not_found" || code === "not_in_call" || code.endsWith("_elsewhere");
}
