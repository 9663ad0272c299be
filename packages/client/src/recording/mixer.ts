/** All voices of a call in one track, following who comes and goes. */

interface Voice {
  node: MediaStreamAudioSourceNode;
  /** Chromium gives WebAudio nothing of a remote track that no element plays. */
  player: HTMLAudioElement;
}

export class Mixer {
  readonly context: AudioContext;
  readonly #out: MediaStreamAudioDestinationNode;
  readonly #silence: ConstantSourceNode;
  readonly #voices = new Map<MediaStreamTrack, Voice>();

  constructor() {
    this.context = new AudioContext();
    this.#out = this.context.createMediaStreamDestination();
    // While nobody has a microphone open there is sound all the same, so that time goes on in the recording.
    this.#silence = this.context.createConstantSource();
    this.#silence.offset.value = 0;
    this.#silence.connect(this.#out);
    this.#silence.start();
    void this.context.resume();
  }

  get track(): MediaStreamTrack {
    return this.#out.stream.getAudioTracks()[0] as MediaStreamTrack;
  }

  /** Mixes what sounds in these streams, and nothing else. */
  follow(streams: readonly (MediaStream | null)[]): void {
    const wanted = new Set(streams.flatMap((stream) => stream?.getAudioTracks() ?? []));
    for (const [track, voice] of this.#voices) if (!wanted.has(track)) this.#drop(track, voice);
    for (const track of wanted) if (!this.#voices.has(track)) this.#add(track);
  }

  close(): void {
    this.follow([]);
    this.#silence.stop();
    void this.context.close();
  }

  #add(track: MediaStreamTrack): void {
    const stream = new MediaStream([track]);
    const player = new Audio();
    player.muted = true;
    player.srcObject = stream;
    player.play().catch(() => {}); // muted sound needs nobody's leave; where it does, only Chromium would miss it
    const node = this.context.createMediaStreamSource(stream);
    node.connect(this.#out);
    this.#voices.set(track, { node, player });
  }

  #drop(track: MediaStreamTrack, { node, player }: Voice): void {
    node.disconnect();
    player.srcObject = null;
    this.#voices.delete(track);
  }
}
