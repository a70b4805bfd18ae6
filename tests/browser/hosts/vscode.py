"""The page in which VS Code shows the widgets of a notebook: its own widget manager, with a real kernel.

VS Code itself is in no package registry, but the widget manager of its Jupyter extension is. It loads
anywidget's script by RequireJS, as in VS Code, and the copy of JupyterLab's client in it talks to the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route

from ..lab import Notebook
from . import scripts

# Ground, text, border and focus of VS Code's Dark Modern, Light Modern and high contrast themes.
THEMES = {
    "vscode-dark": ("#1f1f1f", "#cccccc", "", "#0078d4"),
    "vscode-light": ("#ffffff", "#3b3b3b", "", "#005fb8"),
    "vscode-high-contrast": ("#000000", "#ffffff", "#6fc3df", "#f38518"),
    "vscode-high-contrast-light": ("#ffffff", "#292929", "#0f4a85", "#006bbd"),
}

_PAGE = """<!doctype html>
<html>
<head>
<style>
  html { background: var(--vscode-editor-background); }
  body { color: var(--vscode-editor-foreground); font-family: var(--vscode-font-family); }
</style>
<script src="/vscode/require.js"></script>
</head>
<body>
<script type="module">
import { activate, load, modules } from "/vscode/ipywidgets.js";

/** The module of the bundle whose source contains a text. */
const find = (text) => load(Object.keys(modules).find((id) => String(modules[id]).includes(text)));

const { KernelConnection } = find(".KernelConnection=t.KernelAPI=");
const { ServerConnection } = find(".ServerConnection=void 0");
const baseUrl = `${location.origin}/`;
const serverSettings = ServerConnection.makeSettings({ baseUrl, wsUrl: baseUrl.replace("http", "ws") });
const model = { id: new URLSearchParams(location.search).get("kernel"), name: "python3" };
const kernel = new KernelConnection({ model, serverSettings });

requirejs.config({ paths: { anywidget: "/vscode/anywidget" } });
activate();
window.vscIPyWidgets8.load();
const scriptLoader = {
  widgetsRegisteredInRequireJs: new Set(["anywidget"]),
  successHandler() {},
  errorHandler: (...what) => console.error(...what),
};
const manager = new vscIPyWidgets.WidgetManager(kernel, document.body, scriptLoader, () => {});

/** Run code, and show the widget that it displays. */
window.show = async (code) => {
  let shown;
  const request = kernel.requestExecute({ code });
  request.onIOPub = ({ content }) => {
    shown = content.data?.["application/vnd.jupyter.widget-view+json"] ?? shown;
  };
  await request.done;
  const node = document.createElement("div");
  document.body.append(node);
  const view = await manager.create_view(await manager.get_model(shown.model_id), { el: node });
  await manager.display_view(shown, view, { node });
};

/** Choose a theme as VS Code's webviews do. */
window.choose = (kind, style) => {
  document.documentElement.style.cssText = style;
  document.body.className = kind;
  if (kind.startsWith("vscode-high-contrast")) document.body.classList.add("vscode-high-contrast");
  document.body.dataset.vscodeThemeKind = kind;
};

/** What the window receives, where VS Code listens. */
window.keys = [];
window.addEventListener("keydown", ({ key }) => window.keys.push(key));
window.ready = true;
</script>
</body>
</html>
"""


def _read(file: Path) -> str:
    return file.read_text("utf-8")


@contextmanager
def webview(browser: Browser, notebook: Notebook) -> Iterator[Page]:
    """Open the page, with the kernel of a notebook."""
    bundle = scripts.package("@vscode/jupyter-ipywidgets8") / "dist" / "ipywidgets.js"
    files = {
        "": ("text/html", _PAGE),
        "require.js": ("text/javascript", _read(scripts.package("requirejs") / "require.js")),
        "anywidget.js": ("text/javascript", _read(scripts.ANYWIDGET)),
        "ipywidgets.js": (
            "text/javascript",
            _read(bundle)
            + "\nexport { __webpack_require__ as load, __webpack_modules__ as modules };",
        ),
    }

    def answer(route: Route) -> None:
        name = route.request.url.partition("/vscode/")[2].partition("?")[0]
        kind, body = files[name]
        route.fulfill(body=body, content_type=kind)

    address = notebook.page.evaluate("location.origin")
    # Chromium does not take a page that a test makes up for one of this machine.
    options: Any = {
        "viewport": {"width": 1100, "height": 900},
        "permissions": ["local-network-access"],
    }
    with closing(browser.new_context(**options)) as context:
        context.route("**/vscode/**", answer)
        page = context.new_page()
        page.goto(f"{address}/vscode/?kernel={notebook.kernel_id()}")
        page.wait_for_function("window.ready")
        yield page


def show(page: Page, code: str) -> None:
    """Run code, and start to show the widget that it displays, alone in the page."""
    page.evaluate("code => { document.body.replaceChildren(); void window.show(code); }", code)


def choose(page: Page, kind: str) -> None:
    """Choose one of `THEMES`."""
    ground, text, border, focus = THEMES[kind]
    variables = {
        "editor-background": ground,
        "editor-foreground": text,
        "foreground": text,
        "focusBorder": focus,
        "font-family": "system-ui, sans-serif",
    }
    if border:
        variables["contrastBorder"] = border
    style = "; ".join(f"--vscode-{name}: {value}" for name, value in variables.items())
    page.evaluate("([kind, style]) => window.choose(kind, style)", [kind, style])
