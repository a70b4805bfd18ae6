// Within a frame: says how high the explanation is, and takes the theme of the page around, which it cannot see.

(() => {
  const tell = () =>
    parent.postMessage({ gradeclipHeight: document.documentElement.offsetHeight }, "*");

  function connect() {
    document.body.style.margin = "0";
    new ResizeObserver(tell).observe(document.documentElement);
    addEventListener("message", ({ data }) => {
      if (!data?.gradeclipTheme) return;
      document.documentElement.style.colorScheme = data.gradeclipTheme;
      document.body.dataset.theme = data.gradeclipTheme;
      tell(); // the observer waits until the frame is scrolled to
    });
    parent.postMessage({ gradeclipReady: true }, "*");
  }

  connect();
  // A compressed page writes itself in the place of the one that unpacks it, whose listeners go.
  const close = document.close.bind(document);
  document.close = () => {
    close();
    connect();
  };
})();
