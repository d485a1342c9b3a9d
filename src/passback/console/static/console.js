// What pages do beyond links and forms; every page works without it.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// What is shown goes by the server's clock, which a sandbox's may be far from this machine's.
const ahead = Number(document.documentElement.dataset.now ?? Date.now()) - Date.now();

function showTimes(root) {
  for (const it of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(it.dateTime);
    const exact = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    if ("relative" in it.dataset) {
      const seconds = (moment - Date.now() - ahead) / 1000;
      const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
      it.textContent = relative.format(Math.trunc(seconds / length), unit);
      it.title = exact;
    } else {
      it.textContent = exact;
      it.title = it.dateTime;
    }
  }
}

// Pages have moments in UTC, and are sent them in UTC: a field shows them in the time of whoever fills it in.
function localize(root) {
  for (const field of root.querySelectorAll("input[type=datetime-local]:not([data-utc])")) {
    field.dataset.utc = field.value && `${field.value}Z`;
    if (field.value) {
      const moment = new Date(field.dataset.utc);
      field.defaultValue = new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
    }
    field.dataset.shown = field.value;
    field.labels[0]?.querySelector("[data-zone]")?.remove();
  }
}

// What nobody touched is sent as it came, also in the hour that comes twice when clocks go back.
document.addEventListener("formdata", (event) => {
  for (const field of event.target.querySelectorAll("input[data-utc]")) {
    if (!event.formData.has(field.name)) continue;
    const changed = field.value && new Date(field.value).toISOString();
    event.formData.set(field.name, field.value === field.dataset.shown ? field.dataset.utc : changed);
  }
});

// On a phone a row of a table is a card: each cell needs its column's name beside it.
function nameCells(root) {
  for (const table of root.querySelectorAll("table[data-rows]")) {
    const names = [...table.querySelectorAll("thead th")].map((it) => it.textContent.trim());
    for (const row of table.tBodies[0]?.rows ?? []) {
      [...row.cells].forEach((cell, at) => {
        if (names[at] && cell.tagName === "TD") cell.dataset.label = names[at];
      });
    }
    table.classList.add("cards");
  }
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

// A table's rows by keyboard: j and k (or the arrows), Enter to open, x to select.
function moveInTable(event) {
  const rows = [...document.querySelectorAll("table[data-rows] tbody tr")];
  const here = rows.indexOf(document.activeElement?.closest("tr"));
  const step = { j: 1, k: -1 }[event.key];
  if (step && rows.length) {
    const to = rows[Math.min(Math.max(here + step, 0), rows.length - 1)];
    (to.querySelector("a[href]") ?? to.querySelector("input, button"))?.focus();
    event.preventDefault();
  } else if (event.key === "x" && here >= 0) {
    rows[here].querySelector("input[type=checkbox]")?.click();
    event.preventDefault();
  }
}

// A grid's cells by keyboard: Enter and the arrows up and down move between rows.
document.addEventListener("keydown", (event) => {
  const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  const cell = event.target.closest("table[data-grid] td");
  if (!step || !cell || !event.target.matches("input")) return;
  const row = cell.parentElement;
  const rows = [...row.parentElement.rows];
  const to = rows[rows.indexOf(row) + (event.shiftKey ? -step : step)];
  event.preventDefault();
  (to?.cells[cell.cellIndex].querySelector("input") ?? event.target).focus();
  if (!to) event.target.blur();
});

// What people can turn off for good (WCAG 2.1.4 and 2.2.2).
const isOff = (what) => localStorage.getItem(what) === "off";

function showSwitches() {
  for (const it of document.querySelectorAll("[data-switch]")) {
    it.dataset.name ??= it.textContent;
    it.textContent = `${it.dataset.name}: ${isOff(it.dataset.switch) ? "off" : "on"}`;
  }
}

function turn(what) {
  localStorage.setItem(what, isOff(what) ? "on" : "off");
  showSwitches();
}

// Nothing is read again under somebody's hands or eyes, or while something that was refused is still to be put right.
function spare(event) {
  if (!event.target.matches("[hx-trigger^=every]")) return;
  const typed = document.activeElement;
  const isTyping = event.target.contains(typed) && typed.matches("input") && typed.value !== typed.defaultValue;
  const isStill = isOff("live") && !event.target.querySelector("progress");
  if (isStill || isTyping || event.target.querySelector("[aria-invalid], details[open]")) event.preventDefault();
}
document.addEventListener("htmx:before:request", spare);
document.addEventListener("htmx:before:swap", spare);

// What goes wrong beside a page is said on top of it, and what is shown stays.
function say(text, link) {
  document.getElementById("trouble")?.remove();
  if (!text) return;
  const note = document.createElement("div");
  note.id = "trouble";
  note.className = "note bad";
  note.role = "alert";
  const line = note.appendChild(document.createElement("p"));
  line.append(text + " ");
  if (link) {
    const onward = line.appendChild(document.createElement("a"));
    onward.href = link.url;
    onward.textContent = link.text;
  }
  document.getElementById("content").prepend(note);
}

// What was typed stays until it is saved: nothing is read over it.
function keep(field) {
  if (field.matches("input")) field.setAttribute("aria-invalid", "true");
}

document.addEventListener("htmx:before:swap", (event) => {
  const { status } = event.detail.ctx.response;
  const here = location.pathname + location.search;
  const isEdit = event.detail.ctx.request.method !== "GET";
  if (status < 400 || status === 422) {
    if (isEdit || !document.querySelector("[aria-invalid]")) say("");
    return;
  }
  event.preventDefault();
  if (isEdit) keep(event.target);
  const lost = isEdit ? " What you changed last is not saved." : "";
  if (status === 401) {
    const url = `/console/sign-in?next=${encodeURIComponent(here)}`;
    say(`You are no longer signed in.${lost}`, { text: "Sign in again", url });
  } else if (status === 403) {
    say(`You have signed in again since this page was opened.${lost}`, { text: "Reload it", url: here });
  } else if (status === 404) {
    say(`This no longer exists.${lost}`, { text: "Reload the page", url: here });
  } else {
    say(`That did not work.${lost}`, { text: "Reload the page", url: here });
  }
});
document.addEventListener("htmx:error", (event) => {
  const isEdit = event.detail.ctx?.request.method !== "GET";
  if (isEdit) keep(event.target);
  say(`The server does not answer. ${isEdit ? "What you changed last is not saved." : "What is shown may be old."}`);
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (isOff("keys") || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      search.focus();
      search.select();
      event.preventDefault();
    }
  } else if (document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) {
    document.querySelector(`[data-key="${CSS.escape(event.key)}"]`).click();
    event.preventDefault();
  } else {
    moveInTable(event);
  }
});

// Browsers give the clipboard only to pages that came by TLS or from this machine.
async function copy(element) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent.trim());
    return "Copied";
  }
  getSelection().selectAllChildren(element);
  return "Selected";
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do === "theme") toggleTheme();
  if (button.dataset.switch) turn(button.dataset.switch);
  if (button.dataset.copy !== undefined) button.textContent = await copy(document.getElementById(button.dataset.copy));
});

// A form that changes something is sent once, however often its button is pressed while the answer is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if ("sent" in form.dataset || (question && !confirm(question))) event.preventDefault();
  else if (form.method === "post" && !event.defaultPrevented) form.dataset.sent = "";
});
addEventListener("pageshow", () => {
  for (const it of document.querySelectorAll("form[data-sent]")) delete it.dataset.sent;
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.dataset.selects) {
    for (const it of document.querySelectorAll(`input[name="${box.dataset.selects}"]`)) it.checked = box.checked;
  }
});

function complete() {
  showTimes(document);
  localize(document);
  nameCells(document);
}
complete();
showSwitches();
document.addEventListener("htmx:after:swap", complete);
