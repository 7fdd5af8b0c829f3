/* What the pages do besides being read. The explorers have scripts of their own. */
"use strict";

/* Code and tables that scroll inside themselves can be reached by the keyboard. Each is looked at
   when it is laid out, as the reader comes near; the theme lays out all of them at once to find
   out, which holds up a phone. */
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

/* A page opened from a folder may not fetch others, as the search does for its excerpts. */
function searchWithoutExcerpts() {
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

printEverything();
letScrollersTakeFocus();
searchWithoutExcerpts();
