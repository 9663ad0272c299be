/** Types of postgres.mjs, which plain JavaScript uses, too. */
export interface PostgresOptions {
  settings?: Record<string, string | number>;
  tls?: { cert: string; key: string; hba?: string } | null;
}
export function findBinaries(): string | null;
export class Postgres {
  readonly bin: string;
  readonly folder: string;
  readonly port: number;
  readonly data: string;
  log: string;
  settings: Record<string, string | number>;
  static start(options?: PostgresOptions): Promise<Postgres>;
  get pid(): number;
  up(): Promise<void>;
  down(how?: "fast" | "immediate" | "kill"): Promise<void>;
  children(pid?: number): Promise<number[]>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  url(database?: string, port?: number): string;
  sql(text: string, database?: string): Promise<string>;
  database(): Promise<string>;
  stop(): Promise<void>;
}
