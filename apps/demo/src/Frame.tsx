/** What stands around every page: the name and the buttons on top, what this is at the bottom. */
import type { ReactNode } from "react";
import { Logo, ThemeIcon } from "./pageIcons.js";
import type { Settings } from "./settings.js";
import { useTheme } from "./useTheme.js";

function ThemeButton({ settings }: { settings: Settings }) {
  const { theme, toggle } = useTheme(settings.theme);
  if (!toggle) return null;
  const label = theme === "dark" ? "Use the light theme" : "Use the dark theme";
  return (
    <button
      type="button"
      className="bw-button bw-button--round bw-button--plain"
      aria-label={label}
      title={label}
      onClick={toggle}
    >
      <ThemeIcon />
    </button>
  );
}

export interface FrameProps {
  settings: Settings;
  actions?: ReactNode;
  footnote: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Frame({ settings, actions, footnote, className, children }: FrameProps) {
  return (
    <div className={`bw frame ${className ?? ""}`}>
      <header className="frame-top">
        <a className="brand" href="/">
          <Logo />
          <span>bellwire</span>
        </a>
        <div className="frame-actions">
          {actions}
          <ThemeButton settings={settings} />
        </div>
      </header>
      <main className="frame-main">{children}</main>
      <footer className="frame-foot">
        <p>{footnote}</p>
        <nav aria-label="Documents">
          <a href="/README.txt">Read me</a>
          <a href="/api/openapi.json">Interface</a>
        </nav>
      </footer>
    </div>
  );
}
