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
    const stem = (word) => stemmer.stemWord(word);
    const isLeftOut = (word) => stopwords.includes(word) || word in {}; // {} has a `constructor`

    /* On how many pages all of these words stand. */
    const pages = (words) =>
      words
        .map((word) => [terms[stem(word)] ?? [], titleterms[stem(word)] ?? []].flat())
        .reduce((all, some) => all.filter((page) => some.includes(page))).length;

    /* Typed with a hyphen, a word may stand on the pages in one, or in two: `depth-wise`,
       `depthwise-separable`. And `569M` has a space there. */
    const parts = (word) => {
      const joined = word.replaceAll("-", "");
      const apart = word.split("-").filter((each) => !isLeftOut(each));
      const areWords = apart.length && apart.every((each) => each.length > 2);
      if (areWords && pages(apart) > pages([joined])) return apart;
      if (pages([joined]) || !/^\d/.test(word)) return [joined];
      return [word.match(/[\d.x]*\d/)[0]];
    };

    const typed = fold(query).match(/[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+|\.\p{N}+)*/gu) ?? [];
    const words = typed.filter((word) => !isLeftOut(word));
    const isLetter = (word, _, all) => word.length === 1 && all.length > 1; // the M of 569 M
    const asked = words.flatMap(parts).filter((...each) => !isLetter(...each));
    const shown = new Set([...words, ...asked].flatMap(asWritten));
    localStorage.setItem("sphinx_highlight_terms", [...shown].join(" "));

    const names = [...Object.keys(indexentries), ...Object.keys(alltitles)];
    const name = names.find((each) => plain(each) === plain(query)) ?? query;
    const objects = new Set(name.toLowerCase().split(/\s+/));
    return [name, new Set(asked.map(stem)), new Set(), shown, objects];
  };

  /* An excerpt is taken where one of the words stands: look for it as the page writes it. */
  const { makeSearchSummary } = Search;
  Search.makeSearchSummary = (all, words, anchor) => {
    const notText = /<nav.*?<\/nav>|<span class="katex-mathml">.*?<\/math><\/span>/gs;
    const page = all.replace(notText, "");
    const text = Search.htmlToText(page, anchor);
    const written = [...words].map((word) => {
      const letters = [...word].map((each) => (each === "x" ? "[x×]" : _escapeRegExp(each)));
      return text.match(new RegExp(letters.join("[-,]?"), "i"))?.[0] ?? word;
    });
    return makeSearchSummary(page, written, anchor);
  };
}
