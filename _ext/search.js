/* A query, cut into words as search.py cuts the pages; see there. */
{
  const fold = (text) =>
    text
      .toLowerCase()
      .replaceAll("\u2011", "-")
      .replace(/(\d),(?=\d{3}(?!\d))/g, "$1")
      .replace(/(\d)\s*[x×]\s*(?=\d)/g, "$1x");
  const plain = (text) => fold(text).replace(/[-\s]/g, "");

  /* The ways in which a page may write a word of the index. */
  const asWritten = (word) => [
    word,
    word.replace(/(\d)x(?=\d)/g, "$1×"),
    word.replace(/\d(?=(?:\d{3})+$)/g, "$&,"),
  ];

  Search._parseQuery = (query) => {
    const { terms, titleterms, indexentries, alltitles } = Search._index;
    const stemmer = new Stemmer();
    const words = [...Object.keys(terms), ...Object.keys(titleterms)];
    const stem = (word) => stemmer.stemWord(word);
    const isKnown = (word) =>
      words.some((each) => (word.length > 2 ? each.includes(word) : each === word));

    const asked = [];
    const shown = new Set();
    for (const word of fold(query).match(/[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+|\.\p{N}+)*/gu) ?? []) {
      if (stopwords.includes(word) || word in {}) continue; // {}: `constructor` is in every object
      const joined = word.replaceAll("-", "");
      const parts = isKnown(stem(joined)) ? [joined] : word.match(/\d+(?:\.\d+)?|[^\d.-]+/g);
      asked.push(...parts);
      [word, ...parts].flatMap(asWritten).forEach((each) => each.length > 1 && shown.add(each));
    }
    localStorage.setItem("sphinx_highlight_terms", [...shown].join(" "));

    const names = [...Object.keys(indexentries), ...Object.keys(alltitles)];
    const name = names.find((each) => plain(each) === plain(query)) ?? query;
    const objects = new Set(name.toLowerCase().split(/\s+/));
    return [name, new Set(asked.map(stem)), new Set(), shown, objects];
  };

  /* An excerpt is taken where one of the words stands: look for it as the page writes it. */
  const { makeSearchSummary } = Search;
  Search.makeSearchSummary = (page, words, anchor) => {
    const text = Search.htmlToText(page, anchor);
    const written = [...words].map((word) => {
      const letters = [...word].map((each) => (each === "x" ? "[x×]" : _escapeRegExp(each)));
      return text.match(new RegExp(letters.join("[-,]?"), "i"))?.[0] ?? word;
    });
    return makeSearchSummary(page, written, anchor);
  };
}
