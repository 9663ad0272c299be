// Somebody at the demo in one make of browser or the other, with the same verbs for both, so that a test is written
// once and run in both directions.
import type { Browser as Chromium, Page as ChromiumPage } from "playwright-core";
import type { ElementHandle, Browser as Firefox } from "puppeteer-core";
import { closeLater } from "../../lib/lifetime.js";
import { launchChromium, newPerson } from "./browser.js";
import { type FirefoxPage, newFirefoxPage, startFirefox } from "./firefox.js";
import type { Namespace } from "./namespace.js";
import { mediaState, type Place, paintScreen } from "./peers.js";

export type Maker = "Chromium" | "Firefox";

const PATIENCE_MS = 20_000;

/** What both drivers' pages have in common. */
interface AnyPage {
  evaluate<T, A>(ask: (argument: A) => T | Promise<T>, argument: A): Promise<T>;
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  close(): Promise<void>;
}

export abstract class Person {
  abstract readonly maker: Maker;
  protected abstract readonly page: AnyPage;
  /** Clicks the visible button with this name, as soon as it is there and may be clicked. */
  abstract click(name: string): Promise<void>;

  constructor(readonly user: string) {}

  /** For mediaState and its kin. */
  get place(): Place {
    return this.page as unknown as Place;
  }

  async open(address: string): Promise<void> {
    await this.page.goto(address);
    await this.sees("Online");
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.sees("Online");
  }

  close(): Promise<void> {
    return this.page.close();
  }

  /** Waits until the page shows this text. */
  sees(text: string): Promise<void> {
    return this.until(`${this.user} sees "${text}"`, (wanted) => document.body.innerText.includes(wanted), text);
  }

  /** Waits until it shows it no longer. */
  misses(text: string): Promise<void> {
    return this.until(`${this.user} misses "${text}"`, (wanted) => !document.body.innerText.includes(wanted), text);
  }

  /** Waits until a tile of somebody bears this mark, or no longer. */
  marks(user: string, mark: string, isThere = true): Promise<void> {
    const look = ({ user, mark, isThere }: { user: string; mark: string; isThere: boolean }) => {
      const tile = document.querySelector(`[data-participant="${user}"]`);
      return tile !== null && (tile.querySelector(`[aria-label="${mark}"]`) !== null) === isThere;
    };
    return this.until(`${this.user}: ${user} is ${mark}: ${isThere}`, look, { user, mark, isThere });
  }

  /** Waits until what is chosen in the page by a selector is a picture of more than nothing. */
  seesPicture(selector: string): Promise<void> {
    const look = (selector: string) => (document.querySelector<HTMLVideoElement>(selector)?.videoWidth ?? 0) > 2;
    return this.until(`${this.user} sees the picture ${selector}`, look, selector);
  }

  evaluate<T, A>(ask: (argument: A) => T | Promise<T>, argument: A): Promise<T> {
    return this.page.evaluate(ask, argument);
  }

  async until<A>(what: string, look: (argument: A) => boolean, argument: A): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!(await this.page.evaluate(look, argument))) {
      if (Date.now() > end)
        throw new Error(`${this.maker}: not within ${PATIENCE_MS} ms: ${what}\n${await this.told()}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /** For errors: what the page says, and what its connections do. */
  private async told(): Promise<string> {
    const text = await this.page.evaluate(() => document.body.innerText.replace(/\s+/g, " "), null);
    return `${text}\n${JSON.stringify(await mediaState(this.place))}`;
  }
}

class ChromiumPerson extends Person {
  readonly maker = "Chromium";

  constructor(
    user: string,
    protected readonly page: AnyPage & ChromiumPage,
  ) {
    super(user);
  }

  async click(name: string): Promise<void> {
    await this.page.getByRole("button", { name, exact: true }).first().click({ timeout: PATIENCE_MS });
  }
}

class FirefoxPerson extends Person {
  readonly maker = "Firefox";

  constructor(
    user: string,
    protected readonly page: AnyPage & FirefoxPage,
  ) {
    super(user);
  }

  async click(name: string): Promise<void> {
    const find = (name: string) => {
      const named = (button: Element) => (button.getAttribute("aria-label") ?? button.textContent)?.trim() === name;
      const buttons = [...document.querySelectorAll("button")].filter((button) => !button.disabled);
      return buttons.find((button) => named(button) && button.checkVisibility());
    };
    const found = await this.page.waitForFunction(find, { polling: 50, timeout: PATIENCE_MS }, name);
    await (found.asElement() as ElementHandle<Element> | null)?.click();
  }
}

/** Both browsers, started once, and pages in them for each test. */
export interface Cast {
  /** A page of a user, online. */
  enter(maker: Maker, user: string, address: string): Promise<Person>;
}

async function firefoxPerson(browser: Firefox, user: string): Promise<Person> {
  const page = await newFirefoxPage(browser, true);
  await page.evaluateOnNewDocument(paintScreen);
  const errors: unknown[] = [];
  page.on("pageerror", (error) => errors.push(error));
  closeLater(async () => {
    if (!page.isClosed()) await page.close();
    if (errors.length) throw new Error(`errors in Firefox's page: ${errors.join("\n")}`);
  });
  return new FirefoxPerson(user, page as AnyPage & FirefoxPage);
}

async function chromiumPerson(browser: Chromium, user: string): Promise<Person> {
  const context = await newPerson(browser, { smallVideo: true, viewport: { width: 900, height: 640 } });
  await context.addInitScript(paintScreen);
  return new ChromiumPerson(user, (await context.newPage()) as AnyPage & ChromiumPage);
}

export async function makeCast(namespace: Namespace): Promise<Cast> {
  const chromium = await launchChromium(namespace);
  const firefox = await startFirefox(namespace);
  return {
    async enter(maker, user, address) {
      const person = await (maker === "Chromium" ? chromiumPerson(chromium, user) : firefoxPerson(firefox, user));
      await person.open(address);
      return person;
    },
  };
}
