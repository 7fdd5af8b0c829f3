/* A spiral, embedded by a random matrix, through a ReLU, and back by the matrix's pseudo-inverse.

   data = {matrices: [matrix]}: the first matrix for each number of channels, as rows of two. */
"use strict";

(() => {
  const POINTS = 600;
  const BOX = { side: 160, left: 4, right: 196, top: 22 };

  /* As the notebook's: two turns around the origin. */
  const spiral = Array.from({ length: POINTS }, (_, i) => {
    const last = 4 * Math.PI;
    const angle = 0.5 + (i / (POINTS - 1)) * (last - 0.5);
    return [(angle / last) * Math.cos(angle), (angle / last) * Math.sin(angle)];
  });

  /* Numbers from 0 to 1, the same for the same seed (Mulberry32). */
  function uniform(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  /* The first matrix is the figure's; the others have normal numbers, two at a time (Box, Muller). */
  function matrix(data, channels, number) {
    const first = data.matrices.find((each) => each.length === channels);
    if (number === 1) return first;
    const next = uniform(1000 * number + channels);
    return first.map(() => {
      const length = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      return [length * Math.cos(angle), length * Math.sin(angle)];
    });
  }

  /* How many channels are on at a point. */
  const countOn = (rows, [x, y]) => rows.filter(([a, b]) => a * x + b * y > 0).length;
  const share = (rows) => spiral.filter((point) => countOn(rows, point) >= 2).length / POINTS;

  /* What comes back of the spiral, and how many channels were on: the pseudo-inverse of a matrix M
     of two columns is the inverse of MᵀM, which is 2×2, times Mᵀ. */
  function through(rows) {
    const sum = (of) => rows.reduce((all, row) => all + of(row), 0);
    const [aa, ab, bb] = [sum(([a]) => a * a), sum(([a, b]) => a * b), sum(([, b]) => b * b)];
    const determinant = aa * bb - ab * ab;
    const back = spiral.map(([x, y]) => {
      const after = ([a, b]) => Math.max(0, a * x + b * y);
      const u = sum((row) => row[0] * after(row));
      const v = sum((row) => row[1] * after(row));
      return [(bb * u - ab * v) / determinant, (aa * v - ab * u) / determinant];
    });
    return { back, on: spiral.map((point) => countOn(rows, point)) };
  }

  /* Points as they fit into a square, which keeps their shape. */
  function fitted(points, left) {
    const ends = [0, 1].map((k) => points.map((each) => each[k])).map((all) => [Math.min(...all), Math.max(...all)]);
    const scale = (BOX.side - 8) / Math.max(...ends.map(([low, high]) => high - low));
    const [x, y] = ends.map(([low, high]) => (low + high) / 2);
    const middle = BOX.side / 2;
    return points.map((each) => [left + middle + scale * (each[0] - x), BOX.top + middle - scale * (each[1] - y)]);
  }

  /* A dot for each point: where they are lost in another colour, with a cross on every eighth. */
  function drawn(points, on) {
    const at = (i) => points[i].map((n) => n.toFixed(1)).join(" ");
    const all = points.map((_, i) => i);
    const dots = (some) => some.map((i) => `M${at(i)}h0`).join("");
    const [lost, kept] = [all.filter((i) => on[i] < 2), all.filter((i) => on[i] >= 2)];
    const crosses = lost.filter((_, k) => k % 8 === 0).map((i) => `M${at(i)}m-3-3l6 6m0-6l-6 6`);
    return `<path class="lost" d="${dots(lost)}"/><path class="kept" d="${dots(kept)}"/><path class="cross" d="${crosses.join("")}"/>`;
  }

  const percent = (part) => (part < 1 && part > 0.9994 ? "almost 100 %" : `${(100 * part).toFixed(1)} %`);
  const formula = (n) => 1 - (n + 1) / 2 ** n;
  const rowsOf = (data, s) => matrix(data, data.matrices[s.channels].length, s.matrix);
  function mean(data, s) {
    const { length } = data.matrices[s.channels];
    let total = 0;
    for (let number = 1; number <= s.matrix; number++) total += share(matrix(data, length, number));
    return total / s.matrix;
  }
  const tried = (s) => (s.matrix === 1 ? "the one matrix tried" : `the ${s.matrix} matrices tried`);

  globalThis.explorers.relu = {
    start: { channels: 1, matrix: 1 },
    matrix,
    share,
    through,

    controls(data, s) {
      const n = data.matrices[s.channels].length;
      return [
        { name: "channels", kind: "range", label: "Channels", min: 0, max: data.matrices.length - 1, step: 1, text: `n = ${n}`, steps: true },
        { name: "matrix", kind: "again", label: "Another matrix" },
      ];
    },

    view(data, s) {
      const rows = rowsOf(data, s);
      const { back, on } = through(rows);
      const heading = (left, text) => `<text x="${left + BOX.side / 2}" y="16" text-anchor="middle">${text}</text>`;
      return (
        `<svg viewBox="0 0 360 186" role="img" aria-label="On the left the spiral, on the right what comes back of it through ${rows.length} channels and a ReLU. Crosses mark the points that are lost: ${percent(1 - share(rows))} of them.">` +
        `${heading(BOX.left, "input")}${heading(BOX.right, "what comes back")}` +
        `${drawn(fitted(spiral, BOX.left), on)}${drawn(fitted(back, BOX.right), on)}</svg>` +
        `<ul class="explorer-keys"><li><svg viewBox="0 0 12 12" aria-hidden="true"><path class="kept" d="M6 6h0"/></svg>kept: at least two channels are on</li>` +
        `<li><svg viewBox="0 0 12 12" aria-hidden="true"><path class="cross" d="M3 3l6 6m0-6l-6 6"/></svg>lost: one or none (a cross at every eighth)</li></ul>` +
        `<dl><div><dt>Kept, with this matrix</dt><dd data-is="kept">${percent(share(rows))}</dd></div>` +
        `<div><dt>1 − (n + 1) / 2<sup>n</sup></dt><dd data-is="formula">${percent(formula(rows.length))}</dd></div>` +
        `<div><dt>Mean of ${tried(s)}</dt><dd data-is="mean">${percent(mean(data, s))}</dd></div></dl>`
      );
    },

    say(data, s) {
      const rows = rowsOf(data, s);
      return (
        `n = ${rows.length}, matrix ${s.matrix}: ${percent(share(rows))} of the ${POINTS} points are kept. ` +
        `The formula says ${percent(formula(rows.length))}; the mean of ${tried(s)} is ${percent(mean(data, s))}.`
      );
    },
  };
})();
