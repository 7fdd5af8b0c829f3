/* The roofline as V4's paper uses it: the time of a network is the sum over its layers of what takes
   longer, the MACs or the bytes. Only their ratio matters, the machine's ridge point.

   data = {ridges: [MACs per byte], machines: [{key, name, ridge}],
           networks: [{name, size, top1, ms: {machine: printed}, layers: [[how many, MACs, bytes]]}]}
   where ridge is null if the paper fits none, top1 if it has no accuracy; the networks stand in the
   order of their accuracy. */
"use strict";

(() => {
  const BOX = { width: 360, height: 292, left: 34, right: 10, top: 10, bottom: 36 };
  const FLOOR = BOX.height - BOX.bottom;
  const LONGEST = 6.5; // longer bars are cut
  const ONE = "V4-Conv-S"; // whose time is one
  const { marks, classOf } = globalThis.explorers;

  const ridgeOf = (data, s) => data.ridges[s.ridge];
  const machineOf = (data, s) => data.machines.find((each) => each.key === s.machine);
  const rated = (data) => data.networks.filter((each) => each.top1 !== null);
  const seriesOf = (name) => (name.startsWith("V3") ? "V3-Large" : name.slice(0, 2));

  /* Time, in the time of one MAC, and its part in layers that wait for bytes. A machine that does
     `ridge` MACs in the time of a byte takes ridge × bytes for a layer's bytes. */
  function modelled({ layers }, ridge) {
    let time = 0;
    let waiting = 0;
    for (const [count, macs, bytes] of layers) {
      time += count * Math.max(macs, ridge * bytes);
      if (ridge * bytes > macs) waiting += count * ridge * bytes;
    }
    return { time, waiting: waiting / time };
  }

  /* By name: how many times V4-Conv-S's time, and the part that waits for bytes. */
  function times(data, ridge) {
    const all = data.networks.map((each) => [each.name, modelled(each, ridge)]);
    const one = Object.fromEntries(all)[ONE].time;
    return Object.fromEntries(all.map(([name, { time, waiting }]) => [name, { times: time / one, waiting }]));
  }

  /* The same as measured; a network that was not measured is missing. */
  function measured(data, key) {
    const one = data.networks.find((each) => each.name === ONE).ms[key];
    return Object.fromEntries(data.networks.filter((each) => each.ms[key]).map((each) => [each.name, each.ms[key] / one]));
  }

  /* Who beats a network: at least as accurate, and faster; the fastest of them. */
  function beatenBy(data, found, network) {
    const better = rated(data).filter((each) => each.top1 >= network.top1 && found[each.name].times < found[network.name].times);
    return better.sort((a, b) => found[a.name].times - found[b.name].times)[0];
  }
  const front = (data, found) => rated(data).filter((each) => !beatenBy(data, found, each));

  /* By which factor the model is off, as a geometric mean over the networks that were measured. */
  function off(data, found, key) {
    const all = Object.entries(measured(data, key)).filter(([name]) => name !== ONE);
    const sum = all.reduce((total, [name, times]) => total + Math.abs(Math.log(found[name].times / times)), 0);
    return Math.exp(sum / all.length);
  }

  const round = (n) => Math.round(n * 10) / 10;
  const across = (times) => round(BOX.left + (Math.log(times / 0.3) / Math.log(40 / 0.3)) * (BOX.width - BOX.left - BOX.right));
  const up = (top1) => round(BOX.top + ((84 - top1) / (84 - 64)) * (FLOOR - BOX.top));

  /* Names stand where the others leave room. */
  const below = (name) => name === "V2";
  const before = (name) => name.startsWith("V4") || name === "V3-Large";

  function point({ name, top1 }, found, printed) {
    const [x, y] = [across(found[name].times), up(top1)];
    const tick = name in printed ? `<path class="measured" d="M${x} ${y}H${across(printed[name])}m0-4v8"/>` : "";
    const anchor = before(name) ? [x - 6, "end"] : [x + 6, "start"];
    return (
      `${tick}<g class="${classOf(name)}">${marks[seriesOf(name)](x, y, 3.4)}</g>` +
      `<text class="named" x="${round(anchor[0])}" y="${round(y + (below(name) ? 12 : -4))}" text-anchor="${anchor[1]}">${name}</text>`
    );
  }

  function picture(data, s, found) {
    const printed = measured(data, s.machine);
    const winners = front(data, found);
    const path = [...winners].sort((a, b) => a.top1 - b.top1).map(({ name, top1 }) => [across(found[name].times), up(top1)]);
    const steps = `M${path[0].join(" ")}${path.slice(1).map(([x, y]) => `H${x}V${y}`).join("")}`;
    const grid = [
      ...[65, 70, 75, 80].map((n) => `<path d="M${BOX.left} ${up(n)}H${BOX.width - BOX.right}"/><text x="${BOX.left - 5}" y="${up(n) + 4}" text-anchor="end">${n}</text>`),
      ...[0.5, 1, 2, 5, 10, 20].map((n) => `<path d="M${across(n)} ${BOX.top}V${FLOOR}"/><text x="${across(n)}" y="${FLOOR + 15}" text-anchor="middle">${n}</text>`),
    ];
    const unrated = data.networks
      .filter((each) => each.top1 === null)
      .map(({ name }) => `<path class="unrated" d="M${across(found[name].times)} ${FLOOR}v-9"/><text class="named" x="${across(found[name].times)}" y="${FLOOR - 13}" text-anchor="middle">${name}</text>`);
    return (
      `<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="Top-1 accuracy over time, at ${ridgeOf(data, s)} MACs per byte, ${ONE}'s being 1, logarithmic. A line joins the networks that none beats. Ticks are times measured on the ${machineOf(data, s).name}.">` +
      `<g class="axes">${grid.join("")}<text x="${(BOX.left + BOX.width) / 2}" y="${BOX.height - 4}" text-anchor="middle">time, ${ONE} = 1</text>` +
      `<text x="${BOX.left + 4}" y="${BOX.top + 9}">top-1, %</text></g><path class="front" d="${steps}"/>` +
      `${rated(data).map((each) => point(each, found, printed)).join("")}${unrated.join("")}</svg>`
    );
  }

  const key = (name) => (marks[seriesOf(name)] ? globalThis.explorers.key(seriesOf(name)) : "");
  const times1 = (n) => (n === undefined ? "–" : n.toFixed(1));
  const printed = (ms) => (ms === undefined ? "–" : Number.isInteger(ms) ? ms.toFixed(1) : String(ms));
  const percent = (part) => `${Math.round(100 * part)} %`;

  function bar({ times, waiting }) {
    const cut = times > LONGEST;
    const parts = [["is-bytes", waiting], ["is-arithmetic", 1 - waiting]].filter(([, part]) => part > 0);
    const width = (part) => ((100 * part * Math.min(times, LONGEST)) / LONGEST).toFixed(2);
    return parts
      .map(([look, part], i) => `<i class="${look}${cut && i === parts.length - 1 ? " cut" : ""}" style="width:${width(part)}%"></i>`)
      .join("");
  }

  /* The machine whose ridge point this is. */
  const fitted = (data, ridge) => data.machines.find((each) => each.ridge === ridge);

  globalThis.explorers.ridge = {
    start: { machine: "pixel6", ridge: 6 },
    times,
    measured,
    off,
    front,

    controls(data, s) {
      const ridge = ridgeOf(data, s);
      const whose = ridge ? fitted(data, ridge)?.name.split(",")[0] : "MACs alone";
      return [
        { name: "machine", kind: "choice", label: "Measured on", options: data.machines.map(({ key, name }) => [key, name]) },
        { name: "ridge", kind: "range", label: "MACs per byte", min: 0, max: data.ridges.length - 1, step: 1, text: whose ? `${ridge} (${whose})` : String(ridge), steps: true },
      ];
    },

    view(data, s) {
      const found = times(data, ridgeOf(data, s));
      const printed = measured(data, s.machine);
      const { name: machine, ridge } = machineOf(data, s);
      const winners = front(data, found);
      const rows = data.networks.map((each) => {
        const { name } = each;
        const shown = winners.includes(each) ? `<b>${name}</b>` : name;
        return (
          `<tr><th scope="row">${key(name)}${shown}</th><td class="explorer-bar" aria-hidden="true">${bar(found[name])}</td>` +
          `<td>${times1(found[name].times)}</td><td>${times1(printed[name])}</td><td>${percent(found[name].waiting)}</td></tr>`
        );
      });
      return (
        picture(data, s, found) +
        `<ul class="explorer-keys"><li><svg viewBox="0 0 12 12" aria-hidden="true"><path class="front" d="M1 10V6H6V2H11"/></svg>the front: none is as accurate and faster</li>` +
        `<li><svg viewBox="0 0 12 12" aria-hidden="true"><path class="measured" d="M0 6H10m0-4v8"/></svg>from the model to the measured time</li></ul>` +
        `<dl><div><dt>Model and measurement differ by a factor of</dt><dd data-is="off">${off(data, found, s.machine).toFixed(2)}</dd></div>` +
        `<div><dt>The paper's ridge point for it</dt><dd data-is="fitted">${ridge ?? "none"}</dd></div></dl>` +
        `<table class="explorer-times"><caption>Time, ${ONE} = 1: <i class="is-bytes"></i>layers that wait for bytes, <i class="is-arithmetic"></i>for arithmetic. Bold: on the front. Measured: ${machine}</caption>` +
        `<thead><tr><th scope="col">Network</th><td aria-hidden="true"></td><th scope="col">model</th><th scope="col">measured</th><th scope="col">bytes</th></tr></thead>` +
        `<tbody>${rows.join("")}</tbody></table>`
      );
    },

    say(data, s) {
      const ridge = ridgeOf(data, s);
      const found = times(data, ridge);
      const listed = (all) => all.map((each) => each.name).join(", ");
      const lost = rated(data)
        .map((each) => [each.name, beatenBy(data, found, each)])
        .filter(([, by]) => by)
        .map(([name, by]) => `${name} by ${by.name}`);
      return (
        `At ${ridge} MACs per byte the front is ${listed(front(data, found))}. Beaten are ${lost.join(", ")}. ` +
        `The model and the times that were measured (${machineOf(data, s).name}) differ by a factor of ${off(data, found, s.machine).toFixed(2)}.`
      );
    },

    rest(data) {
      const table = (summary, caption, head, rows) =>
        `<details><summary>${summary}</summary><div class="pst-scrollable-table-container"><table><caption>${caption}</caption>` +
        `<thead><tr>${head.map((each) => `<th scope="col">${each}</th>`).join("")}</tr></thead>` +
        `<tbody>${rows.map(([name, ...cells]) => `<tr><th scope="row">${name}</th>${cells.map((each) => `<td>${each}</td>`).join("")}</tr>`).join("")}</tbody></table></div></details>`;
      const on = data.ridges.map((ridge) => front(data, times(data, ridge)));
      return (
        `<p><small>The model counts bytes in 8 bits: input, weights and output of each layer, once. What has no weights (pooling, sums, products) and what starting a layer costs are left out, so a few per cent decide nothing. ` +
        `Accuracy, times and ridge points are those of V4's paper: Tables 6 and 16. It trained V1 to V3 anew, with modern recipes, and prints V3-Large's accuracy in section 7.1, without a time. ResNet-50 is not in it. It measured in 8 bits too, but in 16 on GPUs and the iPhone.</small></p>` +
        table(
          "Who is on the front, at each ridge point",
          "By MACs per byte: ● on the front, – beaten",
          ["Network", ...data.ridges],
          rated(data).map((each) => [each.name, ...on.map((winners) => (winners.includes(each) ? "●" : "–"))]),
        ) +
        table(
          "What was measured",
          "Side of the picture, top-1 in per cent, milliseconds",
          ["Network", "side", "top-1", ...data.machines.map((each) => each.name)],
          data.networks.map(({ name, size, top1, ms }) => [name, size, top1?.toFixed(1) ?? "–", ...data.machines.map((each) => printed(ms[each.key]))]),
        )
      );
    },

    /* Who chooses a machine gets its ridge point, if there is one. */
    settle(data, was, s) {
      const { ridge } = machineOf(data, s);
      return was.machine === s.machine || ridge === null ? s : { ...s, ridge: data.ridges.indexOf(ridge) };
    },
  };
})();
