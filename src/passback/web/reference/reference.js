// Follow the theme that was chosen in the console, or the system's: the vendored style sheet has a dark theme, but only
// its own top bar, which we do not use, switches it on.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => {
  const chosen = localStorage.getItem("theme");
  document.documentElement.classList.toggle("dark-mode", chosen ? chosen === "dark" : dark.matches);
};
dark.addEventListener("change", followSystem);
followSystem();

for (const it of document.querySelectorAll("#guide pre code")) {
  it.textContent = it.textContent.replaceAll("ORIGIN", new URL(".", location.href).href.replace(/\/$/, ""));
}

// The vendored page skips a level of headings, and leaves some of its parts without a name.
const reference = document.getElementById("reference");
function nameParts() {
  for (const it of reference.querySelectorAll(":is(h3, h4, h5):not([aria-level])")) {
    it.ariaLevel = String(Number(it.localName[1]) - 1);
    it.role = "heading";
  }
  for (const [part, name] of [[".information-container", "About the API"], [".scheme-container", "Server and token"]]) {
    const found = reference.querySelector(part);
    if (found) Object.assign(found, { role: "region", ariaLabel: name });
  }
  for (const [field, name] of [
    ["#servers", "Server"],
    [".examples-select-element", "Example"],
    ["textarea", "Body"],
    [".close-modal", "Close"],
  ]) {
    for (const it of reference.querySelectorAll(`${field}:not([aria-label])`)) it.ariaLabel = name;
  }
  for (const it of reference.querySelectorAll(".modal-btn[aria-label]")) it.removeAttribute("aria-label"); // says another word than is shown
  for (const it of reference.querySelectorAll(".responses-table[role=region]:not([aria-label])")) {
    const [method, path] = it.closest(".opblock").querySelectorAll(".opblock-summary-method, .opblock-summary-path");
    it.ariaLabel = `Answers to ${method.textContent} ${path.textContent}`;
  }
  for (const it of reference.querySelectorAll("pre:not([tabindex])")) it.tabIndex = 0; // it may scroll
}
new MutationObserver(nameParts).observe(reference, { childList: true, subtree: true });

// A link inside a button, as the vendored page has it, cannot be reached by everybody: the button opens the same.
const withoutLinks = (system) => ({
  wrapComponents: { DeepLink: () => ({ text }) => system.React.createElement("span", null, text) },
});

// Show our own document, and send "Try it out" calls to the server that served the page.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: true,
  requestSnippetsEnabled: true,
  syntaxHighlight: { theme: "monokai" },
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [withoutLinks],
});
