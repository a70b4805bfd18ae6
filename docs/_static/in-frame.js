// Runs in a frame: sends the height of the explanation to the page around, and applies the theme that the page sends.

(() => {
  const tell = () =>
    parent.postMessage({ gradeclipHeight: document.documentElement.offsetHeight }, "*");

  document.body.style.margin = "0";
  new ResizeObserver(tell).observe(document.documentElement);
  addEventListener("message", ({ data }) => {
    if (!data?.gradeclipTheme) return;
    document.documentElement.style.colorScheme = data.gradeclipTheme;
    document.body.dataset.theme = data.gradeclipTheme;
    tell(); // the observer waits until the frame is scrolled to
  });
  parent.postMessage({ gradeclipReady: true }, "*");
})();
