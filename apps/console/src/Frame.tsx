/** What stands around each page of the console, and the question for a token. */
import { type FormEvent, type ReactNode, useState } from "react";
import type { Session } from "./session.js";
import { useTheme } from "./useTheme.js";

function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect fill="#0b6b58" width="32" height="32" rx="9" />
      <path
        stroke="#fff"
        d="M7 21.5h2.2c1.5 0 2-1.3 2-2.9v-2.9a4.8 4.8 0 0 1 9.6 0v2.9c0 1.6.5 2.9 2 2.9H25M16 10.5V7.5"
      />
      <path stroke="#7fe3c6" d="M13.8 24.5a2.3 2.3 0 0 0 4.4 0" />
    </svg>
  );
}

export function Frame({ title, children }: { title: string; children: ReactNode }) {
  const { theme, toggle } = useTheme();
  const label = theme === "dark" ? "Use the light theme" : "Use the dark theme";
  return (
    <div className="bw frame">
      <header className="top">
        <a className="brand" href="/console/">
          <Logo />
          <span>bellwire</span>
        </a>
        <span className="top-title">{title}</span>
        <button
          type="button"
          className="bw-button bw-button--round bw-button--plain no-print"
          aria-label={label}
          title={label}
          onClick={toggle}
        >
          <svg className="bw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <circle cx="12" cy="12" r="8.5" />
            <path d="M12 3.5a8.5 8.5 0 0 1 0 17Z" fill="currentColor" />
          </svg>
        </button>
      </header>
      <main className="main">{children}</main>
    </div>
  );
}

export function TokenForm({ session, why }: { session: Session; why: string }) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim()) session.use(text.trim());
  };
  return (
    <form className="card token-form" onSubmit={submit}>
      <h1>Sign in</h1>
      <p>{why}</p>
      <label>
        <span>Token</span>
        <textarea
          rows={4}
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
      </label>
      <button type="submit" className="bw-button bw-button--primary">
        Sign in
      </button>
    </form>
  );
}

export function Trouble({ text, onRetry }: { text: string; onRetry?: () => void }) {
  return (
    <div className="card trouble" role="alert">
      <p>{text}</p>
      {onRetry && (
        <button type="button" className="bw-button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
