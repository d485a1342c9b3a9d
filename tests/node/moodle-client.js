// moodle-client as a client of the Moodle at the address, and with the token, in the arguments. A call says by which method.

import moodleClient from "moodle-client";
import { answer } from "./answer.js";

const [wwwroot, token] = process.argv.slice(2);
const client = await moodleClient.init({ wwwroot, token });

await answer((wsfunction, { method, ...args }) => client.call({ wsfunction, method, args }));
