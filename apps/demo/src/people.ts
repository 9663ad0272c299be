/** Who is in the channel that the demo server makes. */
import type { Face, FaceOf } from "@bellwire/react/ui";

export const CHANNEL = "demo";

export const PEOPLE: readonly Face[] = [
  { id: "alice", name: "Alice" },
  { id: "bob", name: "Bob" },
  { id: "carol", name: "Carol" },
  { id: "dave", name: "Dave" },
];

/** The one with this id, or somebody whose name is the id. */
export function faceOf(id: string, name?: string | null): Face {
  return PEOPLE.find((face) => face.id === id) ?? { id, name: name || id };
}

/** Beyond the four, people are called what their tokens say. */
export const demoFace: FaceOf = ({ userId, name, avatarUrl }) => ({ ...faceOf(userId, name), avatarUrl });
