/* Accuracy against cost: every published point.

   data = {series: [name], points: [{series, name, top1, macs, params, pixel1, pixel6}]}, where macs
   and params are in millions and the pixels in milliseconds; null where none was published. */
"use strict";

(() => {
  const AXES = {
    macs: { label: "million MACs", ticks: [10, 30, 100, 300, 1000, 3000], from: 9, to: 9000 },
    params: { label: "million parameters", ticks: [0.5, 1, 2, 5, 10, 20], from: 0.4, to: 45 },
    pixel1: { label: "milliseconds, Pixel 1", ticks: [5, 10, 20, 50, 100], from: 4, to: 160 },
    pixel6: { label: "milliseconds, Pixel 6, 8 bits", ticks: [2, 5, 10, 20, 50, 100], from: 2, to: 110 },
  };
  const BOX = { width: 360, height: 300, left: 34, right: 8, top: 8, bottom: 36 };
  const { marks, classOf } = globalThis.explorers;
  /* V1 to V3, trained anew by others, are no version of their own. */
  const anew = (x, y, r) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`;
  const mark = (series) => marks[series] ?? anew;
  const look = (series) => (marks[series] ? classOf(series) : "net-anew");

  const round = (n) => Math.round(n * 10) / 10;
  function across(axis, value) {
    const { from, to } = AXES[axis];
    const share = Math.log(value / from) / Math.log(to / from);
    return round(BOX.left + share * (BOX.width - BOX.left - BOX.right));
  }
  const up = (top1) =>
    round(BOX.top + ((85 - top1) / (85 - 38)) * (BOX.height - BOX.top - BOX.bottom));

  /* The points that the axis can show, from left to right. */
  const shown = (data, s) =>
    data.points.filter((each) => each[s.axis] !== null).sort((a, b) => a[s.axis] - b[s.axis]);
  const current = (data, s) => {
    const all = shown(data, s);
    return all[Math.min(s.point, all.length) - 1];
  };

  const sized = (n) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));
  function described({ name, top1, macs, params, pixel1, pixel6 }) {
    const parts = [`${top1.toFixed(1)} % top-1`, `${sized(macs)} million MACs`, `${sized(params)} million parameters`];
    if (pixel1 !== null) parts.push(`${pixel1} ms on a Pixel 1`);
    if (pixel6 !== null) parts.push(`${pixel6} ms on a Pixel 6 (8 bits)`);
    return `<b>${name}</b>: ${parts.join(", ")}.`;
  }

  /* Where the numbers come from, and what must not be compared. */
  function origin(data, s) {
    if (s.axis !== "pixel1") return "MACs and parameters are counted (V4's from timm's networks); accuracy and time are as printed.";
    const v2 = data.points.filter((each) => each.name.startsWith("V2 × 1, 224") && each.pixel1 !== null);
    return `Times of different papers can't be compared: V2 × 1 is here with ${v2.map((each) => each.pixel1).join(", ")} ms.`;
  }

  globalThis.explorers.points = {
    start: { axis: "macs", point: 1 },
    shown,

    controls(data, s) {
      const all = shown(data, s).length;
      return [
        { name: "axis", kind: "choice", label: "Cost in", options: [["macs", "MACs"], ["params", "parameters"], ["pixel1", "ms, Pixel 1"], ["pixel6", "ms, Pixel 6"]] },
        { name: "point", kind: "range", label: "Network", min: 1, max: all, step: 1, text: `${Math.min(s.point, all)} of ${all}`, steps: true },
      ];
    },

    view(data, s) {
      const { label, ticks } = AXES[s.axis];
      const floor = BOX.height - BOX.bottom;
      const grid = [
        ...[40, 50, 60, 70, 80].map((n) => `<path d="M${BOX.left} ${up(n)}H${BOX.width - BOX.right}"/><text x="${BOX.left - 5}" y="${up(n) + 4}" text-anchor="end">${n}</text>`),
        ...ticks.map((n) => `<path d="M${across(s.axis, n)} ${BOX.top}V${floor}"/><text x="${across(s.axis, n)}" y="${floor + 15}" text-anchor="middle">${n}</text>`),
      ];
      const point = (each) => mark(each.series)(across(s.axis, each[s.axis]), up(each.top1), 3.2);
      const group = (series) =>
        `<g class="${look(series)}">${shown(data, s).filter((each) => each.series === series).map(point).join("")}</g>`;
      const now = current(data, s);
      const ring = `<circle class="now" cx="${across(s.axis, now[s.axis])}" cy="${up(now.top1)}" r="8"/>`;
      const keys = data.series.map((series) => {
        const count = shown(data, s).filter((each) => each.series === series).length;
        return `<li><svg viewBox="0 0 12 12" class="${look(series)}" aria-hidden="true">${mark(series)(6, 6, 3.4)}</svg>${series} <small>${count || "none"}</small></li>`;
      });
      return (
        `<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="Top-1 accuracy on ImageNet over ${label}, logarithmic, with ${shown(data, s).length} published networks.">` +
        `<g class="axes">${grid.join("")}<text x="${(BOX.left + BOX.width) / 2}" y="${BOX.height - 4}" text-anchor="middle">${label}</text>` +
        `<text x="${BOX.left + 4}" y="${BOX.top + 9}">top-1, %</text></g>` +
        `${data.series.map(group).join("")}${ring}</svg><ul class="explorer-keys">${keys.join("")}</ul>` +
        `<p><small>${origin(data, s)}</small></p>`
      );
    },

    say: (data, s) => described(current(data, s)),

    rest(data) {
      const cell = (n, text = sized) => `<td>${n === null ? "–" : text(n)}</td>`;
      const rows = data.points.map(
        ({ name, top1, macs, params, pixel1, pixel6 }) =>
          `<tr><th scope="row">${name}</th><td>${top1.toFixed(1)}</td>${cell(macs)}${cell(params)}${cell(pixel1, String)}${cell(pixel6, String)}</tr>`,
      );
      return (
        `<details><summary>All of them as a table</summary><div class="pst-scrollable-table-container"><table>` +
        `<caption>Top-1 in per cent, millions of MACs and parameters, milliseconds on a Pixel 1 and, in 8 bits, a Pixel 6</caption>` +
        `<thead><tr><th scope="col">Network</th><th scope="col">top-1</th><th scope="col">MACs</th><th scope="col">params</th>` +
        `<th scope="col">Pixel 1</th><th scope="col">Pixel 6</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></details>`
      );
    },

    /* Another axis shows the same network, if it can; else the one nearest in MACs. */
    settle(data, was, s) {
      if (was.axis === s.axis) return s;
      const before = current(data, was);
      const all = shown(data, s);
      const far = (each) => (each === before ? -1 : Math.abs(Math.log(each.macs / before.macs)));
      return { ...s, point: 1 + all.indexOf(all.reduce((a, b) => (far(b) < far(a) ? b : a))) };
    },

    pick(data, s, x, y) {
      const far = (each) =>
        Math.hypot(across(s.axis, each[s.axis]) - x * BOX.width, up(each.top1) - y * BOX.height);
      const all = shown(data, s);
      return { point: 1 + all.indexOf(all.reduce((best, each) => (far(each) < far(best) ? each : best))) };
    },
  };
})();
