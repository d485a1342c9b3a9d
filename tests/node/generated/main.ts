// Does the same in every district that is given as JSON, and writes what came of it.
import { argv, stdout } from "node:process";

export interface District {
  base: string;
  token: string;
  section: string;
  student: string;
  teacher: string;
}

export interface Outcome {
  created?: string | null;
  read?: string | null;
  updated?: string | null;
  listed?: number;
  before?: string;
  graded?: number;
  deleted: number;
  gone?: string;
}

export async function main(seven: (district: District) => Promise<Outcome>): Promise<void> {
  const districts: Record<string, District> = JSON.parse(argv[2] ?? "{}");
  const found: Record<string, Outcome> = {};
  for (const [name, district] of Object.entries(districts)) {
    found[name] = await seven(district);
  }
  stdout.write(JSON.stringify(found));
}
