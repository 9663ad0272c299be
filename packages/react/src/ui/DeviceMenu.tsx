/** The button beside a call's controls that lets one choose the devices while the call goes on. */
import type { ReactNode } from "react";
import { useClient } from "../context.js";
import { useLocalMedia } from "../hooks.js";
import { useDevices } from "../useDevices.js";
import { Control } from "./CallControls.js";
import { DeviceFields } from "./DeviceFields.js";
import { DevicesIcon } from "./icons.js";
import { LevelMeter } from "./LevelMeter.js";
import { Popover } from "./Popover.js";
import { useTexts } from "./texts.js";

/** Only there while it is open, so that a call that nobody adjusts lists no devices. */
function Choices() {
  const local = useLocalMedia();
  const level = <LevelMeter stream={local.stream} isMuted={!local.isMicrophoneEnabled} />;
  return <DeviceFields devices={useDevices()} level={level} />;
}

export function DeviceMenu(): ReactNode {
  const texts = useTexts();
  const client = useClient();
  return (
    <Popover
      label={texts.devices}
      renderButton={({ onClick, ...tie }) => (
        <Control
          {...tie}
          label={texts.devices}
          word={texts.devices}
          icon={<DevicesIcon />}
          onClick={() => {
            onClick();
            void client.devices.refresh();
          }}
        />
      )}
    >
      <Choices />
    </Popover>
  );
}
