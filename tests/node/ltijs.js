// ltijs as a tool on a free port. It writes its address first; calls are of its services, for whoever came last.

import crypto from "node:crypto";
import { createServer } from "node:http";
import ltijs from "ltijs";
import { answer, write } from "./answer.js";

/** What ltijs asks of a database plugin, in memory. Nothing is encrypted. */
class Memory {
  rows = [];

  async setup() {}

  async Get(_key, collection, query = {}) {
    const found = this.rows.filter((row) => this.#is(row, collection, query));
    return found.length > 0 && found.map(({ item, createdAt }) => ({ ...structuredClone(item), createdAt }));
  }

  async Insert(_key, collection, item, index = item) {
    this.rows.push({ collection, index, item, createdAt: Date.now() });
  }

  async Replace(_key, collection, query, item, index = item) {
    await this.Delete(collection, query);
    await this.Insert(_key, collection, item, index);
  }

  async Modify(_key, collection, query, change) {
    this.rows.filter((row) => this.#is(row, collection, query)).forEach((row) => Object.assign(row.item, change));
  }

  async Delete(collection, query) {
    this.rows = this.rows.filter((row) => !this.#is(row, collection, query));
  }

  #is(row, collection, query) {
    return row.collection === collection && Object.entries(query).every(([name, it]) => row.index[name] === it);
  }
}

// Its keys of 4096 bits take seconds.
const { generateKeyPairSync } = crypto;
crypto.generateKeyPairSync = (type, options) => generateKeyPairSync(type, { ...options, modulusLength: 2048 });

const lti = ltijs.Provider;
const database = new Memory();
const server = createServer((request, response) => lti.app(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const url = `http://127.0.0.1:${server.address().port}`;
lti.setup("secret", { plugin: database }, { dynReg: { url, name: "Tool", autoActivate: true } });

let launched;
const keep = (token, _request, response) => {
  launched = token;
  response.send("launched");
};
lti.onConnect(keep);
lti.onDeepLinking(keep);
await lti.deploy({ serverless: true, silent: true });
write({ url });

await answer((name, given) => {
  if (name === "launched") return launched;
  if (name === "forgetTokens") return database.Delete("accesstoken", {});
  const [service, method] = name.split(".");
  return lti[service][method](launched, ...given.arguments);
});
process.exit();
