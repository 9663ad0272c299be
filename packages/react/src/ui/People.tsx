/** Everyone in a call, as tiles: two face each other, many stand in a grid, or beside the one who speaks or shares. */
import type { CSSProperties } from "react";
import { ParticipantTile, type ParticipantTileProps, ScreenTile, type TileFace } from "./ParticipantTile.js";
import { useTexts } from "./texts.js";
import { useFeatured } from "./useFeatured.js";

export type PeopleLayout = "grid" | "speaker";

export interface PeopleProps {
  own: TileFace;
  others: TileFace[];
  /** How more than two are shown; a shared screen is large in either. */
  layout: PeopleLayout;
  isSoundOff: boolean;
  speakerId?: string | null | undefined;
}

const keyOf = (face: TileFace) => face.key ?? face.id;

function columnsFor(people: number): number {
  return people <= 3 ? people : Math.ceil(people / Math.ceil(people / 4 + 0.5));
}

type Place = ParticipantTileProps["place"];
type Places = { name: "pair" | "grid" | "featured"; of: (face: TileFace) => Place };

function placesFor(props: PeopleProps, screen: TileFace | undefined, featured: TileFace | undefined): Places {
  if (screen) return { name: "featured", of: () => "many" };
  if (props.others.length < 2) return { name: "pair", of: (face) => (face.isLocal ? "own" : "main") };
  if (props.layout === "grid") return { name: "grid", of: () => "many" };
  return { name: "featured", of: (face) => (face === featured ? "featured" : "many") };
}

/** All tiles are children of one element in every layout, so that a change of layout interrupts no sound. */
export function People(props: PeopleProps) {
  const { own, others, isSoundOff, layout, speakerId = null } = props;
  const texts = useTexts();
  const screen = others.find((face) => face.screen);
  const featured = useFeatured(others);
  const places = placesFor(props, screen, featured.face);
  const inStrip = screen ? others.length + 1 : others.length;
  const style = { "--bw-columns": columnsFor(others.length + 1), "--bw-strip": inStrip } as CSSProperties;
  const canPin = layout === "speaker" && !screen && others.length > 1;
  return (
    <div className={`bw-people bw-people--${places.name}`} style={style}>
      {screen && <ScreenTile key={`screen of ${keyOf(screen)}`} face={screen} silent={isSoundOff} />}
      {others.length === 0 && <p className="bw-stage__waiting">{texts.waitingForOthers}</p>}
      {[...others, own].map((face) => (
        <ParticipantTile
          key={keyOf(face)}
          face={face}
          place={places.of(face)}
          silent={isSoundOff}
          speakerId={speakerId}
          isPinned={featured.pinned === keyOf(face)}
          onPin={canPin && !face.isLocal ? () => featured.togglePin(keyOf(face)) : undefined}
        />
      ))}
    </div>
  );
}
