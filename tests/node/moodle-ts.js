// moodle-ts as a client of the Moodle at the address, and with the token, in the arguments.

import { MoodleClient } from "moodle-ts";
import * as functions from "moodle-ts/moodle/MOODLE_405_STABLE";
import { answer } from "./answer.js";

const [baseUrl, token] = process.argv.slice(2);
const client = new MoodleClient({ baseUrl, token });

await answer(async (name, given) => (await functions[name](client, given)).data);
