/** A stream to look at without a camera: a slowly turning scene painted on a canvas. */
export function paintedStream(hue: number): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 480;
  const ink = canvas.getContext("2d");
  const paint = () => {
    if (!ink) return;
    const wall = ink.createLinearGradient(0, 0, 640, 480);
    wall.addColorStop(0, `hsl(${hue} 30% 62%)`);
    wall.addColorStop(1, `hsl(${hue + 40} 35% 34%)`);
    ink.fillStyle = wall;
    ink.fillRect(0, 0, 640, 480);
    ink.fillStyle = `hsl(${hue + 10} 30% 22%)`;
    ink.beginPath();
    ink.ellipse(320, 470, 190, 170, 0, 0, 7);
    ink.fill();
    ink.fillStyle = "hsl(25 45% 70%)";
    ink.beginPath();
    ink.arc(320 + 8 * Math.sin(Date.now() / 700), 220, 92, 0, 7);
    ink.fill();
  };
  paint();
  setInterval(paint, 66);
  return canvas.captureStream(15);
}
