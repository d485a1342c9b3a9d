"use strict";
// What the pages of launches do in the browser; a page's body says which of it, and with what.
(() => {
  const PATIENCE = 3000; // milliseconds in which the LMS's page must answer
  const given = document.body.dataset;
  const parent = window.parent !== window ? window.parent : window.opener;

  // A login: the secret must be kept until the LMS sends the person back. By a cookie, or by the LMS's own page (LTI
  // Client Side postMessages, Platform Storage). If neither keeps it, the person begins again in a window of its own,
  // and does so now: an LMS takes what it has sent us (lti_message_hint) only once.
  function begin() {
    if (keepsCookies()) {
      if (given.target) ask("put", () => {});
      goTo(given.url);
    } else if (given.target) {
      ask("put", (answer) => (answer ? goTo(given.url) : offerWindow()));
    } else {
      offerWindow();
    }
  }

  // A launch whose secret came in no cookie: ask the LMS's page for it, and send it along.
  function fetchSecret() {
    ask("get", (answer) => {
      const stored = answer && typeof answer.value === "string" ? answer.value : "";
      post({ state: given.state, id_token: given.token, stored });
    });
  }

  const JOBS = {
    begin,
    fetch: fetchSecret,
    return: () => post({ JWT: given.token }), // a choice, which goes to the LMS
    // A registration is done (LTI Dynamic Registration). Nothing secret is in this, so any page may read it.
    close: () => parent && parent.postMessage({ subject: "org.imsglobal.lti.close" }, "*"),
  };

  function keepsCookies() {
    const name = given.key + "_try";
    try {
      document.cookie = `${name}=1${given.cookie}`;
      const isKept = document.cookie.includes(`${name}=1`);
      document.cookie = `${name}=; Max-Age=0${given.cookie}`;
      return isKept;
    } catch {
      return false; // a frame may be closed off from them
    }
  }

  // Ask the LMS's page to keep the secret ("put") or to give it ("get"). `done` gets the answer, or null if there is none.
  function ask(what, done) {
    const message = { subject: `lti.${what}_data`, message_id: given.key, key: given.key };
    if (what === "put") message.value = given.value;
    let isDone = false;

    function finish(answer) {
      if (!isDone) done(answer);
      isDone = true;
    }

    window.addEventListener("message", ({ origin, data }) => {
      if (origin !== given.origin || typeof data !== "object" || data === null) return;
      if (data.subject !== `${message.subject}.response` || data.message_id !== message.message_id) return;
      finish(data.error ? null : data);
    });
    try {
      const frame = given.target === "_parent" ? parent : parent.frames[given.target];
      frame.postMessage(message, given.origin);
    } catch {
      finish(null); // there is no such frame
    }
    setTimeout(() => finish(null), PATIENCE);
  }

  function goTo(url) {
    window.location.replace(url);
  }

  function offerWindow() {
    document.getElementById("wait").hidden = true;
    document.getElementById("again").hidden = false;
  }

  function post(fields) {
    const form = document.createElement("form");
    form.method = "POST";
    form.action = given.url;
    for (const [name, text] of Object.entries(fields)) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = text;
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  }

  JOBS[given.do]();
})();
