// Puts the screens' style sheets into one file, dist/ui.css: pages import it as @bellwire/react/ui.css.
import { readFileSync, writeFileSync } from "node:fs";

const styles = new URL("src/ui/styles/", import.meta.url);
const index = readFileSync(new URL("index.css", styles), "utf8");
const whole = index.replace(/@import "(.+)";/g, (_, file) => readFileSync(new URL(file, styles), "utf8"));
writeFileSync(new URL("dist/ui.css", import.meta.url), whole);
