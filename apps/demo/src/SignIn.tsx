/** Asks for a token when the server hands out none. */
import { Notice } from "@bellwire/react/ui";
import { type FormEvent, useState } from "react";
import { userOfToken } from "./tokens.js";

export function SignIn({ reason, onToken }: { reason: string; onToken: (token: string) => void }) {
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = text.trim();
    if (userOfToken(token)) onToken(token);
    else setWrong(true);
  };
  return (
    <form className="bw sign-in" onSubmit={submit}>
      <h1>Sign in</h1>
      <p>{reason}</p>
      <label className="field">
        <span>Token</span>
        <textarea
          rows={4}
          spellCheck={false}
          autoComplete="off"
          value={text}
          aria-invalid={isWrong}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {isWrong && <Notice kind="error">This is not a token: it should have three parts with a dot between.</Notice>}
      <button type="submit" className="bw-button bw-button--primary">
        Sign in
      </button>
    </form>
  );
}
