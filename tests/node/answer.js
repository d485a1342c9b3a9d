// A script's side of tests/support/node.py: calls on standard input, answers on standard output, one JSON object a line.

import { createInterface } from "node:readline";

/** Answer calls until the input ends. `call` takes a name and an object, and may be asynchronous. */
export async function answer(call) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, given } = JSON.parse(line);
    let reply;
    try {
      reply = { result: (await call(name, given)) ?? null };
    } catch (error) {
      reply = { error: { ...error, type: error?.name, message: error?.message ?? String(error) } };
    }
    process.stdout.write(JSON.stringify(reply) + "\n");
  }
}
