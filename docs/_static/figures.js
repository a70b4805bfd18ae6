// Draws plotly's figures when they come into view. The first of them loads plotly's script, which is large.

(() => {
  const address = new URL("plotly.min.js", document.currentScript.src).href;
  let loading;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      Object.assign(script, { src: address, onload: resolve, onerror: reject });
      document.head.append(script);
    });
    return loading;
  }

  async function draw(code) {
    await load();
    const script = document.createElement("script");
    script.textContent = code.textContent;
    code.replaceWith(script);
  }

  addEventListener("DOMContentLoaded", () => {
    const seen = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          seen.unobserve(target);
          draw(target.nextElementSibling);
        }
      },
      { rootMargin: "400px" },
    );
    for (const figure of document.querySelectorAll(".plotly-graph-div:has(+ .plotly-figure)")) {
      seen.observe(figure);
    }
  });
})();
