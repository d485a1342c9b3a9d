// A script's side of tests/support/node.py: calls on standard input, answers on standard output, one JSON object a line.

import { createInterface } from "node:readline";

export const write = (object) => process.stdout.write(JSON.stringify(object) + "\n");

/** Answer calls until the input ends. `call` takes a name and an object, and may be asynchronous. */
export async function answer(call) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, given } = JSON.parse(line);
    try {
      write({ result: (await call(name, given)) ?? null });
    } catch (error) {
      const told = Object.entries(error).filter(([, value]) => typeof value !== "object");
      write({ error: { ...Object.fromEntries(told), type: error.name, message: error.message } });
    }
  }
}
