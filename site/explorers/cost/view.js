/* The cost explorer: parameters and MACs of a network, by stage and by type of layer.

   data.networks[i] = {name, widths: [{width, params, paper, stages: [{name, side, kinds}]}], published}
   where paper = {macs: [maps, rest], params} of the paper's network, if it is another of this width, and kinds[kind] = [MACs that grow with the picture, at 224; MACs that do not; weights]. */
"use strict";

(() => {
  const KINDS = {
    standard: "standard",
    depthwise: "depthwise",
    pointwise: "pointwise",
    squeeze: "squeeze-and-excite",
    fc: "linear",
  };
  const whole = (n) => Math.round(n).toLocaleString("en");
  const short = (n) => (n < 1e5 ? whole(n) : `${(n / 1e6).toFixed(n < 1e7 ? 2 : 1)} M`);
  const percent = (part, all) => ((100 * part) / all).toFixed(1) + " %";

  const network = (data, s) => data.networks.find((each) => each.name === s.network);
  const chosen = (data, s) => {
    const { widths } = network(data, s);
    return widths[Math.min(s.width, widths.length - 1)];
  };

  /* Maps of other sizes: a picture of 32k × 32k has (k/7)² times the MACs of one of 224 × 224. */
  const macs = ([maps, rest], size) => (maps / 49) * (size / 32) ** 2 + rest;

  /* Costs of each stage by kind, and their sums. */
  function costs(data, s) {
    const { params, stages } = chosen(data, s);
    const totals = {};
    const rows = stages.map(({ name, side, kinds }) => {
      const row = { name, side: (side * s.size) / 224, macs: 0, weights: 0, kinds: {} };
      for (const [kind, counts] of Object.entries(kinds)) {
        const cost = { macs: macs(counts, s.size), weights: counts[2] };
        row.kinds[kind] = cost;
        totals[kind] ??= { macs: 0, weights: 0 };
        for (const what of ["macs", "weights"]) {
          row[what] += cost[what];
          totals[kind][what] += cost[what];
        }
      }
      return row;
    });
    const sum = (what) => rows.reduce((all, row) => all + row[what], 0);
    return { params, rows, totals, macs: sum("macs"), weights: sum("weights") };
  }

  function published(data, s) {
    const { width } = chosen(data, s);
    return network(data, s).published.filter((each) => each.width === width && each.size === s.size);
  }

  function accuracy(data, s) {
    const found = published(data, s);
    if (!found.length) return "No accuracy was published for this width and size.";
    const list = found.map(({ top1, where }) => `${top1.toFixed(1)} % (${where})`);
    const whose = chosen(data, s).paper ? "the paper's network of this width" : "this network";
    return `Top-1 on ImageNet as published, of ${whose}: ${list.join("; ")}.`;
  }

  /* V3's class in this book scales as torchvision does; the paper scales otherwise. */
  function otherwise(data, s) {
    const { width, paper } = chosen(data, s);
    if (!paper) return "";
    return (
      `<p><b>Not the paper's network.</b> Counted here is × ${width} as this book's class and torchvision scale it. ` +
      `Scaled as the paper does, we count ${short(macs(paper.macs, s.size))} MACs and ${short(paper.params)} parameters` +
      `${width > 1 ? " (its table prints more)" : ""}.</p>`
    );
  }

  const title = (data, s) => `${s.network}, width ${chosen(data, s).width}, ${s.size}×${s.size}`;

  globalThis.explorers.cost = {
    start: { network: "MobileNetV1", width: 3, size: 224, count: "macs" },

    controls(data, s) {
      const { widths } = network(data, s);
      return [
        { name: "network", kind: "choice", label: "Network", options: data.networks.map(({ name }) => [name, name.replace("MobileNet", "")]) },
        { name: "width", kind: "range", label: "Width", min: 0, max: widths.length - 1, step: 1, text: `× ${chosen(data, s).width}` },
        { name: "size", kind: "range", label: "Picture", min: 96, max: 256, step: 32, text: `${s.size}×${s.size}` },
        { name: "count", kind: "choice", label: "Bars show", options: [["macs", "MACs"], ["weights", "weights"]] },
      ];
    },

    view(data, s) {
      const all = costs(data, s);
      const longest = Math.max(...all.rows.map((row) => row[s.count]));
      const bar = (row) =>
        Object.entries(row.kinds)
          .map(([kind, cost]) => `<i class="is-${kind}" style="width:${((100 * cost[s.count]) / longest).toFixed(2)}%"></i>`)
          .join("");
      const stages = all.rows.map(
        (row) =>
          `<tr><th scope="row">${row.name}${row.side ? ` <small>${row.side}×${row.side}</small>` : ""}</th>` +
          `<td class="explorer-bar" aria-hidden="true">${bar(row)}</td>` +
          `<td>${short(row[s.count])}</td></tr>`,
      );
      const types = Object.entries(all.totals).map(
        ([kind, cost]) =>
          `<tr><th scope="row"><i class="is-${kind}"></i>${kind === "squeeze" ? "SE" : KINDS[kind]}</th>` +
          `<td>${short(cost.macs)}</td><td>${percent(cost.macs, all.macs)}</td>` +
          `<td>${short(cost.weights)}</td><td>${percent(cost.weights, all.weights)}</td></tr>`,
      );
      return (
        `<dl><div><dt>MACs</dt><dd data-is="macs">${whole(all.macs)}</dd></div>` +
        `<div><dt>Parameters, 1,000 classes</dt><dd data-is="params">${whole(all.params)}</dd></div>` +
        `<div><dt>MB in 32 bits, in 8</dt><dd>${((4 * all.params) / 1e6).toFixed(1)}, ${(all.params / 1e6).toFixed(1)}</dd></div></dl>` +
        `<table><caption>${globalThis.explorers.key(s.network.replace("MobileNet", ""))}${title(data, s)}: ${s.count === "macs" ? "MACs" : "weights"} by stage, with the side of the map that it puts out</caption>` +
        `<thead><tr><th scope="col">Stage</th><td aria-hidden="true"></td><th scope="col">${s.count === "macs" ? "MACs" : "Weights"}</th></tr></thead>` +
        `<tbody>${stages.join("")}</tbody></table>` +
        `<table><caption>By type of layer (batch norms and biases are parameters, too, but not counted here)</caption><thead><tr><th scope="col">Type</th><th scope="col">MACs</th><th scope="col">share</th>` +
        `<th scope="col">Weights</th><th scope="col">share</th></tr></thead><tbody>${types.join("")}</tbody></table>` +
        `${otherwise(data, s)}<p>${accuracy(data, s)}</p>`
      );
    },

    say(data, s) {
      const all = costs(data, s);
      const [kind, most] = Object.entries(all.totals).sort(([, a], [, b]) => b.macs - a.macs)[0];
      return (
        `${title(data, s)}: ${whole(all.macs)} MACs, ${whole(all.params)} parameters. ` +
        `The largest share of the MACs is in its ${KINDS[kind]} layers: ${percent(most.macs, all.macs)}.`
      );
    },
  };
})();
