/** Where each picture of a grid stands: as many columns as make the tiles largest, the last row in the middle. */

export interface Tile {
  x: number;
  y: number;
  width: number;
  height: number;
}

const GAP = 8;
const RATIO = 16 / 9;

/** Tiles of 16:9 for `count` pictures, in whole pixels. */
export function gridOf(count: number, width: number, height: number): Tile[] {
  const columns = bestColumns(count, width, height);
  const rows = Math.ceil(count / columns);
  const tile = tileSize(columns, rows, width, height);
  const top = (height - rows * (tile.height + GAP) + GAP) / 2;
  return Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = (width - inRow * (tile.width + GAP) + GAP) / 2;
    return {
      x: Math.round(left + (i % columns) * (tile.width + GAP)),
      y: Math.round(top + row * (tile.height + GAP)),
      width: Math.floor(tile.width),
      height: Math.floor(tile.height),
    };
  });
}

function bestColumns(count: number, width: number, height: number): number {
  let best = 1;
  const area = (columns: number) => tileSize(columns, Math.ceil(count / columns), width, height).width;
  for (let columns = 2; columns <= count; columns++) if (area(columns) > area(best)) best = columns;
  return best;
}

function tileSize(columns: number, rows: number, width: number, height: number): { width: number; height: number } {
  const fitting = Math.min((width - GAP * (columns + 1)) / columns, ((height - GAP * (rows + 1)) / rows) * RATIO);
  return { width: fitting, height: fitting / RATIO };
}

/** The largest part of a picture of that size in the middle of a tile: whole (a screen), or filling it (a face). */
export function fitInto(tile: Tile, size: { width: number; height: number }, isWhole: boolean): Tile {
  const byWidth = tile.width / size.width;
  const byHeight = tile.height / size.height;
  const scale = isWhole ? Math.min(byWidth, byHeight) : Math.max(byWidth, byHeight);
  const width = size.width * scale;
  const height = size.height * scale;
  return { x: tile.x + (tile.width - width) / 2, y: tile.y + (tile.height - height) / 2, width, height };
}
