// Small file systems of a test's own: one in memory that gets full, and one on a loop device whose power can be cut.
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeLater } from "../lib/index.js";

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });

/** Takes all the room that is left in a folder's file system; the file's name. */
export function fill(folder: string): string {
  const name = join(folder, "filler");
  const file = openSync(name, "w");
  try {
    for (let size = 1 << 20; ; size = Math.max(size >> 1, 4096))
      for (let written = size; written === size; ) written = writeSync(file, Buffer.alloc(size));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
  return name;
}

/** A file system of a few megabytes, in memory. */
export function smallDisk(megabytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-disk-"));
  closeLater(() => rmSync(folder, { recursive: true }));
  run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", folder);
  closeLater(() => run("umount", folder));
  return folder;
}

export const fileSystems = ["ext4", "xfs"] as const;
export type FileSystem = (typeof fileSystems)[number];

/** xfs makes nothing smaller than 300 MB; the image is sparse. */
const makers: Record<FileSystem, { megabytes: number; command: string[] }> = {
  ext4: { megabytes: 64, command: ["mkfs.ext4", "-q", "-F"] },
  xfs: { megabytes: 300, command: ["mkfs.xfs", "-q", "-f"] },
};

/** A real file system in a file. After `cut` nothing reaches it any more, and what was only in memory is gone. */
export class Disk {
  readonly folder: string;
  private readonly base = mkdtempSync(join(tmpdir(), "bellwire-disk-"));
  private readonly image = join(this.base, "image");
  private mounted = false;

  constructor(readonly kind: FileSystem) {
    const { megabytes, command } = makers[kind];
    closeLater(() => this.remove());
    // Shared, so that taking the disk out reaches namespaces that others make meanwhile: held there, it would stay cut.
    run("mount", "--bind", this.base, this.base);
    run("mount", "--make-shared", this.base);
    this.folder = join(this.base, "disk");
    mkdirSync(this.folder);
    writeFileSync(this.image, "");
    truncateSync(this.image, megabytes << 20);
    const [maker, ...args] = command as [string, ...string[]];
    run(maker, ...args, this.image);
    this.plugIn();
  }

  plugIn(): void {
    run("mount", "-o", "loop", this.image, this.folder);
    this.mounted = true;
  }

  /** The file system stops where it is, its own log unwritten. Both file systems know the ioctl behind it. */
  cut(): void {
    run("xfs_io", "-x", "-c", "shutdown", this.folder);
  }

  /** Once nobody uses it any more. */
  plugOut(): void {
    run("umount", this.folder);
    this.mounted = false;
  }

  private remove(): void {
    if (this.mounted) this.plugOut();
    run("umount", this.base);
    rmSync(this.base, { recursive: true });
  }
}
