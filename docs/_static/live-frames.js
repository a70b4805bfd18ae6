// Gives frames of live explanations the height of their content and the theme of the page.

const frames = () => document.querySelectorAll("iframe.live-frame");

function theme() {
  const chosen = document.body.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

const tellTheme = () => {
  for (const frame of frames()) frame.contentWindow.postMessage({ gradeclipTheme: theme() }, "*");
};

addEventListener("message", ({ data, source }) => {
  if (data?.gradeclipReady) source.postMessage({ gradeclipTheme: theme() }, "*");
  if (!data?.gradeclipHeight) return;
  for (const frame of frames()) {
    if (frame.contentWindow !== source) continue;
    frame.style.height = `${Math.ceil(data.gradeclipHeight)}px`;
    frame.dataset.live = "";
  }
});

addEventListener("DOMContentLoaded", () => {
  tellTheme(); // frames that were ready before this script
  new MutationObserver(tellTheme).observe(document.body, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tellTheme);
});
