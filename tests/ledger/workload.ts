// Calls as people make them, many at once: direct and in groups, with everything that may happen at the same moment.
import { randomUUID } from "node:crypto";
import type { Server } from "../lib/index.js";
import type { Journal } from "./journal.js";
import { type Device, Person } from "./people.js";
import type { Random } from "./random.js";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A creation that may be repeated: whoever got no answer asks again with the same name, and must get the same call. */
interface Creation {
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

/** Some people in one channel who call each other over and over. */
class Circle {
  private pending: Creation | undefined;

  constructor(
    readonly channelId: string,
    readonly people: Person[],
    private readonly random: Random,
  ) {}

  private get isGroup(): boolean {
    return this.people.length > 2;
  }

  private newCreation(): Creation {
    const tag = randomUUID();
    const body: Record<string, unknown> = { channelId: this.channelId, callType: "video", ringTimeout: 5000 };
    body.metadata = { tag };
    if (this.isGroup) body.mode = "group";
    else body.participants = [this.people[1]?.id];
    if (this.random.chance(0.5)) return { body: { ...body, id: randomUUID() }, headers: {} };
    return { body, headers: { "idempotency-key": tag } };
  }

  /** The id of a call that rings or runs now, or undefined. */
  private async create(): Promise<string | undefined> {
    this.pending ??= this.newCreation();
    const answer = await this.people[0]?.post("/api/calls", this.pending.body, this.pending.headers);
    if (!answer) return undefined;
    if (answer.status !== 503) this.pending = undefined;
    if (answer.status === 429) await pause(100);
    return answer.status < 300 ? answer.body.call.id : undefined;
  }

  private device(person: Person): Device {
    return this.random.pick(person.devices);
  }

  /** Answers without a device, which comes for its place a little later, or never. */
  private async joinOverRest(person: Person, callId: string): Promise<void> {
    await person.post(`/api/calls/${callId}/join`);
    if (this.random.chance(0.7)) await this.device(person).ask("call.join", { callId });
  }

  private act(person: Person, callId: string): Promise<unknown> {
    const device = this.device(person);
    switch (this.random.between(0, 9)) {
      case 0:
      case 1:
      case 2:
        return device.ask("call.join", { callId });
      case 3:
        return device.ask("call.decline", { callId });
      case 4:
        return person.post(`/api/calls/${callId}/decline`);
      case 5:
        return Promise.all(person.devices.map((each) => each.ask("call.join", { callId })));
      case 6:
        return device.ask("call.ack", { callId });
      case 7:
      case 8:
        return this.joinOverRest(person, callId);
      default:
        return person.post(`/api/calls/${callId}/leave`);
    }
  }

  /** What the caller does while the others answer. */
  private callerActs(callId: string): Promise<unknown> {
    const caller = this.people[0] as Person;
    const choice = this.random.next();
    if (choice < 0.2) return caller.post(`/api/calls/${callId}/cancel`);
    if (choice < 0.7) return this.device(caller).ask("call.join", { callId });
    return Promise.resolve();
  }

  private async leave(callId: string): Promise<void> {
    for (const person of this.random.shuffle(this.people)) {
      const choice = this.random.next();
      if (choice < 0.1) this.device(person).cut();
      else if (choice < 0.5) await this.device(person).ask("call.leave", { callId });
      else if (choice < 0.6) await person.post(`/api/calls/${callId}/end`);
      else if (choice < 0.9) await person.post(`/api/calls/${callId}/leave`);
    }
  }

  /** One call from its beginning to wherever it gets. */
  async once(): Promise<void> {
    const callId = await this.create();
    if (!callId || this.random.chance(0.03)) return;
    const others = this.people.slice(1).filter(() => this.random.chance(0.9));
    const acts = others.map(async (person) => {
      await pause(this.random.between(0, 4));
      await this.act(person, callId);
    });
    await Promise.all([this.callerActs(callId), ...acts]);
    if (this.random.chance(0.3)) await pause(this.random.between(1, 30));
    await this.leave(callId);
  }
}

export interface CrowdSize {
  pairs: number;
  groups: number;
}

/** Everybody, in circles that do not know each other. */
export class Crowd {
  private readonly circles: Circle[];

  constructor(
    journal: Journal,
    private readonly random: Random,
    { pairs, groups }: CrowdSize,
  ) {
    const circle = (name: string, nPeople: number, nDevices: number) =>
      new Circle(
        name,
        Array.from({ length: nPeople }, (_, n) => new Person(journal, `${name}-${n}`, n === 1 ? nDevices : 1)),
        random,
      );
    this.circles = [
      ...Array.from({ length: pairs }, (_, n) => circle(`pair${n}`, 2, 2)),
      ...Array.from({ length: groups }, (_, n) => circle(`group${n}`, 4, 2)),
    ];
  }

  private get people(): Person[] {
    return this.circles.flatMap((circle) => circle.people);
  }

  async makeChannels(server: Server): Promise<void> {
    for (const { channelId, people } of this.circles)
      await server.channel(
        channelId,
        people.map((person) => person.id),
      );
  }

  /** The last act: most come back and hang up, some circles are never seen again. */
  async finish(url: string): Promise<void> {
    await Promise.all(
      this.circles.map(async ({ people }) => {
        const devices = people.flatMap((person) => person.devices);
        if (this.random.chance(0.3)) {
          for (const device of devices) device.vanish();
          return;
        }
        await Promise.all(people.map((person) => person.open(url)));
        await Promise.all(devices.map((device) => device.hangUp()));
      }),
    );
  }

  /** Calls until told to stop; whoever lost the connection comes back in the middle of it. */
  async call(url: string, stopped: () => boolean): Promise<void> {
    await Promise.all(
      this.circles.map(async (circle) => {
        while (!stopped()) {
          await Promise.all(circle.people.map((person) => person.open(url)));
          if (!stopped()) await circle.once();
        }
      }),
    );
  }

  close(): void {
    for (const person of this.people) person.close();
  }
}
