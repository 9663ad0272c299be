/** One choice for each kind of device: the system's own select, which phones, keyboards and screen readers know. */
import type { DeviceInfo, DeviceKind } from "@bellwire/client";
import { type ReactNode, useId } from "react";
import type { UseDevices } from "../useDevices.js";
import { CameraIcon, MicIcon, SoundIcon } from "./icons.js";
import { type Texts, useTexts } from "./texts.js";

export interface DeviceFieldsProps {
  devices: Pick<UseDevices, "microphones" | "cameras" | "speakers" | "selected" | "select">;
  /** Under the microphone's choice: how loud it is. */
  level?: ReactNode;
}

interface FieldProps {
  label: string;
  icon: ReactNode;
  list: readonly DeviceInfo[];
  selected: string | null;
  onSelect: (deviceId: string | null) => void;
  children?: ReactNode;
}

/** Browsers list the default twice: under its own name, and as "default" or "communications". */
const isAlias = ({ deviceId }: DeviceInfo) =>
  deviceId === "" || deviceId === "default" || deviceId === "communications";

/** Browsers keep the names to themselves until a device was allowed once. */
function nameOf(device: DeviceInfo, index: number, texts: Texts): string {
  return device.label || texts.deviceNumber(index + 1);
}

function Field({ label, icon, list, selected, onSelect, children }: FieldProps) {
  const texts = useTexts();
  const id = useId();
  const choices = list.filter((device) => !isAlias(device));
  return (
    <div className="bw-field">
      <label className="bw-field__label" htmlFor={id}>
        {icon}
        {label}
      </label>
      <select
        id={id}
        className="bw-select"
        value={selected ?? ""}
        disabled={list.length === 0}
        onChange={(event) => onSelect(event.target.value || null)}
      >
        <option value="">{list.length === 0 ? texts.noDevice : texts.systemDefault}</option>
        {choices.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {nameOf(device, index, texts)}
          </option>
        ))}
      </select>
      {children}
    </div>
  );
}

const FIELDS = [
  { kind: "microphone", list: "microphones", icon: <MicIcon /> },
  { kind: "camera", list: "cameras", icon: <CameraIcon /> },
  { kind: "speaker", list: "speakers", icon: <SoundIcon /> },
] as const satisfies readonly { kind: DeviceKind; list: keyof UseDevices; icon: ReactNode }[];

/** Not every browser lets a page choose the loudspeaker; those list none. */
export function DeviceFields({ devices, level }: DeviceFieldsProps) {
  const texts = useTexts();
  const shown = FIELDS.filter(({ kind, list }) => kind !== "speaker" || devices[list].length > 0);
  return (
    <div className="bw-fields">
      {shown.map(({ kind, list, icon }) => (
        <Field
          key={kind}
          label={texts[kind]}
          icon={icon}
          list={devices[list]}
          selected={devices.selected[kind]}
          onSelect={(deviceId) => devices.select(kind, deviceId)}
        >
          {kind === "microphone" && level}
        </Field>
      ))}
    </div>
  );
}
