// What pages do beyond links; every page can be read without it.

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-do=theme]")) return;
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});

// The gateway serves these pages below its own; elsewhere there is no API reference or console beside them.
if (location.pathname.startsWith("/docs/guide/")) {
  for (const it of document.querySelectorAll("[data-of-gateway]")) it.hidden = false;
}

// On a narrow screen the list of all pages is closed.
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".all details").open = false;
document.querySelector(".all .current > a")?.scrollIntoView({ block: "nearest" });
scrollTo({ top: location.hash ? scrollY : 0 });

// What scrolls can be scrolled with the keyboard.
for (const it of document.querySelectorAll(".highlight pre, main table")) {
  if (it.scrollWidth > it.clientWidth) it.tabIndex = 0;
}

for (const code of document.querySelectorAll(".highlight pre")) {
  if (!navigator.clipboard) continue;
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy";
  copy.textContent = "Copy";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  code.parentElement.append(copy);
}
