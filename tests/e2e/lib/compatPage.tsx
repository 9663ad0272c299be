// The page of an application that was written for the old names: bundled and loaded by compat.test.ts.
import { type Client, createClient } from "@bellwire/client";
import { type ReactNode, StrictMode, useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import { useCall } from "../../../packages/react/src/compat/index.js";
import { BellwireProvider } from "../../../packages/react/src/index.js";

export { CallRecordingService, WebRTCClient } from "@bellwire/client/compat";

function Video({ id, stream }: { id: string; stream: MediaStream }): ReactNode {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return <video ref={video} autoPlay playsInline muted data-socket={id} />;
}

function CallPage({ callId }: { callId: string }): ReactNode {
  const call = useCall(callId, "whoever");
  return (
    <main data-state={call.state} data-error={call.error?.code}>
      {call.localStream && <Video id="own" stream={call.localStream} />}
      {[...call.remoteStreams].map(([socketId, stream]) => (
        <Video key={socketId} id={socketId} stream={stream} />
      ))}
      <button type="button" onClick={call.toggleMute}>
        {call.isMuted ? "Unmute" : "Mute"}
      </button>
      <button type="button" onClick={call.toggleVideo}>
        {call.isVideoEnabled ? "Camera off" : "Camera on"}
      </button>
      <button type="button" onClick={call.endCall}>
        End
      </button>
    </main>
  );
}

/** Draws the page with a client of its own; returns the client and the way to take the page away. */
export function mount(token: string, callId: string): { client: Client; unmount: () => void } {
  const client = createClient({ url: "", getToken: () => token });
  const root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(
    <StrictMode>
      <BellwireProvider client={client} connect>
        <CallPage callId={callId} />
      </BellwireProvider>
    </StrictMode>,
  );
  return { client, unmount: () => root.unmount() };
}
