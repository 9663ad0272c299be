// Programs that a test starts: output collected, ended by pid.
import { type ChildProcess, spawn } from "node:child_process";

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Program {
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ending>;
  ending: Ending | undefined;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv = process.env, cwd?: string) {
    this.child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env, cwd });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.tell();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.tell();
    });
    this.ended = new Promise((done) => {
      const finish = (ending: Ending) => {
        this.ending = ending;
        this.tell();
        done(ending);
      };
      this.child.on("error", (error) => {
        this.stderr += `${error.message}\n`;
        finish({ code: 127, signal: null });
      });
      this.child.on("close", (code, signal) => finish({ code, signal }));
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** On its standard input. */
  write(text: string): void {
    this.child.stdin?.write(text);
  }

  signal(name: NodeJS.Signals): void {
    if (!this.ending) this.child.kill(name);
  }

  /** Resolves with what `look` finds in the output, as soon as it finds something; fails when the program ends first. */
  until<T>(look: () => T | undefined | null, what: string, timeoutMs = 10_000): Promise<T> {
    return new Promise((done, fail) => {
      const finish = (act: () => void) => {
        clearTimeout(timer);
        this.listeners.delete(check);
        act();
      };
      const check = () => {
        const found = look();
        if (found != null) finish(() => done(found));
        else if (this.ending)
          finish(() => fail(new Error(`ended with ${JSON.stringify(this.ending)} before ${what}\n${this.output()}`)));
      };
      const timer = setTimeout(
        () => finish(() => fail(new Error(`no ${what} after ${timeoutMs} ms\n${this.output()}`))),
        timeoutMs,
      );
      this.listeners.add(check);
      check();
    });
  }

  /** Asks politely, then ends it; resolves with how it ended. */
  async stop(timeoutMs = 10_000): Promise<Ending> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signal("SIGKILL"), timeoutMs);
    const ending = await this.ended;
    clearTimeout(timer);
    return ending;
  }

  async kill(): Promise<Ending> {
    this.signal("SIGKILL");
    return this.ended;
  }

  output(): string {
    return `${this.stdout}${this.stderr}`.slice(-8000);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
