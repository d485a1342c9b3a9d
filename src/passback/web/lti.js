"use strict";
// Keeps a secret in the LMS's page, or asks that page for it (LTI Client Side postMessages, Platform Storage); or asks
// it to close this page, because a registration is done (LTI Dynamic Registration). Or takes a choice to the LMS.
(() => {
  const given = document.body.dataset;
  const parent = window.parent !== window ? window.parent : window.opener;
  if (given.do === "close") {
    if (parent) parent.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
    return;
  }
  if (given.do === "return") {
    post({ JWT: given.token });
    return;
  }
  const message = { subject: "lti." + given.do + "_data", message_id: given.key, key: given.key };
  if (given.do === "put") message.value = given.value;
  let isOver = false;

  function goOn(value) {
    if (isOver) return;
    isOver = true;
    if (given.do === "put") {
      window.location.replace(given.url);
      return;
    }
    post({ state: given.state, id_token: given.token, stored: value });
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

  window.addEventListener("message", (event) => {
    const said = event.data;
    if (event.origin !== given.origin || typeof said !== "object" || said === null) return;
    if (said.subject !== message.subject + ".response" || said.message_id !== message.message_id) return;
    goOn(typeof said.value === "string" ? said.value : "");
  });
  try {
    const frame = given.target === "_parent" ? parent : parent.frames[given.target];
    frame.postMessage(message, given.origin);
  } catch {
    goOn("");
  }
  setTimeout(() => goOn(""), 3000); // an LMS that does not answer: the cookie may do
})();
