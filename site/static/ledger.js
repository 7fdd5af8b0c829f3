/* The field above the ledger: of its rows, only those stay that have each of the typed words. */
"use strict";

{
  const filter = document.getElementById("ledger-filter");
  const field = filter.querySelector("input");
  const status = filter.querySelector("output");

  /* As a reader types it: without capitals and the commas in large numbers; x for ×, - for −. */
  const plain = (text) =>
    text
      .toLowerCase()
      .replace(/(\d),(?=\d{3})/g, "$1")
      .replaceAll("×", "x")
      .replaceAll("−", "-")
      .replace(/\s+/g, " ");

  /* Whether a text has a word, or a number that begins so: 4 is not in 24 or 0.4. */
  const has = (text, word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
      if (!/^\d/.test(word) || !/[\d.]/.test(text[at - 1] ?? "")) return true;
    return false;
  };

  const isRow = ({ firstChild }) => firstChild?.nodeName === "STRONG";
  const sections = Array.from(document.querySelectorAll("#the-ledger > section"), (section) => {
    const paper = section.querySelector("h2").textContent;
    const rows = [...section.querySelectorAll("p")].filter(isRow).map((row) => {
      return { row, text: plain(`${paper} ${row.textContent}`) };
    });
    return { section, rows };
  }).filter(({ rows }) => rows.length);
  const all = sections.flatMap(({ rows }) => rows);

  function show() {
    const words = plain(field.value).split(" ").filter(Boolean);
    for (const { row, text } of all) row.hidden = !words.every((word) => has(text, word));
    for (const { section, rows } of sections)
      section.hidden = rows.every(({ row }) => row.hidden);
    const shown = all.filter(({ row }) => !row.hidden).length;
    status.textContent = `${shown} of ${all.length} shown`;
  }

  /* A link to a part of the page leads there, also to one that is not shown. */
  window.addEventListener("hashchange", () => {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place?.closest("[hidden]")) return;
    field.value = "";
    show();
    place.scrollIntoView();
  });

  field.addEventListener("input", show);
  show();
  filter.dataset.ready = "";
}
