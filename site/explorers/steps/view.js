/* The convolution, step by step: one output number per step, of a full, a depthwise or a pointwise
   convolution.

   data = {input: [channel][row][column], full: [filter][channel][row][column],
           depthwise: [channel][row][column], pointwise: [filter][channel]} */
"use strict";

(() => {
  const map = (channels, side, value) =>
    Array.from({ length: channels }, (_, c) =>
      Array.from({ length: side }, (_, y) => Array.from({ length: side }, (_, x) => value(c, y, x))),
    );
  const window3 = (y, x) => [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => [y + i, x + j]));

  /* For each layer: what comes in, how many channels go out, and the factors of one output number:
     [channel, row, column] in the input, and the weight beside it. */
  const LAYERS = {
    full: {
      name: "standard convolution",
      input: (data) => data.input,
      out: 5,
      factors: (data, n, y, x) =>
        [0, 1, 2].flatMap((m) =>
          window3(y, x).map(([i, j]) => [m, i, j, data.full[n][m][i - y][j - x]]),
        ),
    },
    depthwise: {
      name: "depthwise convolution",
      input: (data) => data.input,
      out: 3,
      factors: (data, n, y, x) =>
        window3(y, x).map(([i, j]) => [n, i, j, data.depthwise[n][i - y][j - x]]),
    },
    pointwise: {
      name: "pointwise convolution",
      input: (data) => output(data, "depthwise"),
      out: 5,
      factors: (data, n, y, x) => [0, 1, 2].map((m) => [m, y, x, data.pointwise[n][m]]),
    },
  };

  function products(data, layer, n, y, x) {
    const { input, factors } = LAYERS[layer];
    const numbers = input(data);
    return factors(data, n, y, x).map(([m, i, j, weight]) => [numbers[m][i][j], weight]);
  }
  const sum = (pairs) => pairs.reduce((all, [a, b]) => all + a * b, 0);
  const output = (data, layer) =>
    map(LAYERS[layer].out, 4, (n, y, x) => sum(products(data, layer, n, y, x)));

  const steps = (layer) => LAYERS[layer].out * 16;
  const macsEach = { full: 27, depthwise: 9, pointwise: 3 };
  /* Step 1 is the first output number: channel, row, column. */
  const place = (step) => [Math.floor((step - 1) / 16), Math.floor(((step - 1) % 16) / 4), (step - 1) % 4];

  const minus = (n) => String(n).replace("-", "−");

  /* A map as grids of numbers; mark(channel, row, column) names what a cell is. */
  function grids(label, numbers, mark, role) {
    const channels = numbers.map((rows, c) => {
      const cells = rows.flatMap((row, y) =>
        row.map((n, x) => {
          const is = mark(c, y, x);
          return `<i${is ? ` class="${is}"` : ""}>${is === "later" ? "" : minus(n)}</i>`;
        }),
      );
      const wide = rows.flat().some((n) => n < 0 || n > 9) && rows.length > 3 ? " wide" : "";
      return `<div class="grid${wide}" style="--side:${rows[0].length}">${cells.join("")}</div>`;
    });
    return `<div class="maps is-${role}"><span>${label}</span><div>${channels.join("")}</div></div>`;
  }

  function written(pairs) {
    const factor = (n) => (n < 0 ? `(${minus(n)})` : n);
    const shown = pairs.map(([a, b]) => `${factor(a)}×${factor(b)}`);
    const some = shown.length > 9 ? [...shown.slice(0, 7), "…", shown.at(-1)] : shown;
    return `${some.join(" + ")} = <b>${minus(sum(pairs))}</b>`;
  }

  globalThis.explorers.steps = {
    start: { layer: "full", step: 1 },
    output,

    controls(data, s) {
      return [
        { name: "layer", kind: "choice", label: "Layer", options: [["full", "standard"], ["depthwise", "depthwise"], ["pointwise", "pointwise"]] },
        { name: "step", kind: "range", label: "Output number", min: 1, max: steps(s.layer), step: 1, text: `${s.step} of ${steps(s.layer)}`, steps: true, play: "Play" },
      ];
    },

    view(data, s) {
      const layer = LAYERS[s.layer];
      const [n, y, x] = place(s.step);
      const pairs = products(data, s.layer, n, y, x);
      const read = new Set(layer.factors(data, n, y, x).map(([m, i, j]) => `${m},${i},${j}`));
      const role = (each) => (each === "full" ? "standard" : each);
      const isDone = (c, i, j) => c * 16 + i * 4 + j < s.step - 1;
      const filter = { full: data.full[n], depthwise: [data.depthwise[n]], pointwise: data.pointwise[n]?.map((w) => [[w]]) }[s.layer];
      const total = s.step * macsEach[s.layer];
      const whole = (layer) => steps(layer) * macsEach[layer];
      const row = (layer) =>
        `<tr${layer === s.layer ? ' class="now"' : ""}><th scope="row"><i class="is-${role(layer)}"></i>${role(layer)}</th>` +
        `<td>${steps(layer)} × ${macsEach[layer]} =</td><td>${whole(layer).toLocaleString("en")}</td></tr>`;
      const [dw, pw] = [whole("depthwise"), whole("pointwise")];
      return (
        `<div class="explorer-maps" aria-hidden="true">` +
        grids(s.layer === "pointwise" ? "from depthwise" : "input", layer.input(data), (c, i, j) => (read.has(`${c},${i},${j}`) ? "read" : ""), role(s.layer)) +
        grids(s.layer === "depthwise" ? `filter ${n + 1} of 3` : `filter ${n + 1} of 5`, filter, () => "read", role(s.layer)) +
        grids("output", output(data, s.layer), (c, i, j) => (c === n && i === y && j === x ? "now" : isDone(c, i, j) ? "" : "later"), role(s.layer)) +
        `<p class="products">${written(pairs)}</p></div>` +
        `<p class="counter"><b data-is="macs">${total.toLocaleString("en")}</b> of ${whole(s.layer).toLocaleString("en")} MACs</p>` +
        `<table><caption>All steps: output numbers × MACs for each</caption><tbody>` +
        `${["full", "depthwise", "pointwise"].map(row).join("")}` +
        `<tr><th scope="row">the last two</th><td>${dw} + ${pw} =</td><td>${dw + pw}</td></tr></tbody></table>`
      );
    },

    say(data, s) {
      const [n, y, x] = place(s.step);
      const each = macsEach[s.layer];
      return (
        `${s.step} of ${steps(s.layer)} output numbers of the ${LAYERS[s.layer].name}: channel ${n + 1}, row ${y + 1}, column ${x + 1}. ` +
        `${each} numbers are read and multiplied by ${each} weights; the sum is ${minus(sum(products(data, s.layer, n, y, x)))}. ` +
        `MACs so far: ${(s.step * each).toLocaleString("en")}.`
      );
    },
  };
})();
