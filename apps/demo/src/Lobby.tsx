/** Before a group call, or just to see whether all works: camera, microphone and devices, in the place of a call. */
import { useCall, useConnection } from "@bellwire/react";
import { type Face, PreJoin } from "@bellwire/react/ui";
import { useState } from "react";

export type LobbyWish = { kind: "check" } | { kind: "join"; callId: string };

export interface LobbyProps {
  me: Face;
  wish: LobbyWish;
  /** Into a call or back; false: the call could not be entered. */
  onLeave: (hasWorked: boolean) => void;
}

export function Lobby({ me, wish, onLeave }: LobbyProps) {
  const { join } = useCall();
  const { state } = useConnection();
  const [isJoining, setJoining] = useState(false);
  if (wish.kind === "check")
    return (
      <div className="lobby">
        <PreJoin
          own={me}
          title="Camera and microphone"
          subtitle="What the others would see and hear. Your choice is remembered in this browser."
          joinLabel="Done"
          onJoin={() => onLeave(true)}
        />
      </div>
    );
  return (
    <div className="lobby">
      <PreJoin
        own={me}
        subtitle={state === "connected" ? "A group call is going on." : "Connecting to the server…"}
        joinLabel={isJoining ? "Joining…" : "Join"}
        onJoin={(media) => {
          if (isJoining) return;
          setJoining(true);
          void join(wish.callId, media).then((call) => onLeave(call !== null));
        }}
        onCancel={() => onLeave(true)}
      />
    </div>
  );
}
