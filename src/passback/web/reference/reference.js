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
  tryItOutEnabled: true,
  validatorUrl: null,
});
