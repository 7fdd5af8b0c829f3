/* What the pages do besides being read. The explorers have scripts of their own. */
"use strict";

/* Code and tables that scroll inside themselves can be reached by the keyboard. The theme sees to
   that when a page has arrived; here also for formulas, and for what is unfolded later. */
function letScrollersTakeFocus() {
  const scrollers = "pre, .output, .pst-scrollable-table-container, .katex-display";
  const laidOut = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  document.querySelectorAll(scrollers).forEach((each) => laidOut.observe(each));
}

/* On paper nothing can be unfolded, and there is no dark theme. */
function printEverything() {
  let folded = [];
  let theme;
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("article details:not([open])")];
    folded.forEach((each) => (each.open = true));
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  });
  window.addEventListener("afterprint", () => {
    folded.forEach((each) => (each.open = false));
    document.documentElement.dataset.theme = theme;
  });
}

/* A page opened from a folder, or in a sandboxed frame, may not fetch others, as the search does
   for its excerpts. */
function searchWithoutExcerpts() {
  if (location.protocol === "file:" || origin === "null")
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

/* A figure is light or dark as the page is. In WebKit it is as the reader's system is: where the
   reader has chosen otherwise, the end of its address says so (see figures/style.py). */
function colourFigures() {
  if (!navigator.vendor.startsWith("Apple")) return;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const figures = document.querySelectorAll('article img[src$=".svg"]');
  const addresses = Array.from(figures, (each) => each.src);
  const colour = () => {
    const { theme } = document.documentElement.dataset;
    const end = theme === (system.matches ? "dark" : "light") ? "" : `?${theme}#${theme}`;
    figures.forEach((each, i) => (each.src = addresses[i] + end));
  };
  if (document.documentElement.dataset.theme !== (system.matches ? "dark" : "light")) colour();
  system.addEventListener("change", colour);
  new MutationObserver(colour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

colourFigures();
printEverything();
letScrollersTakeFocus();
searchWithoutExcerpts();
