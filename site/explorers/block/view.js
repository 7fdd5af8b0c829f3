/* One block: narrow ends, a wide middle, a shortcut. Where its depthwise layers stand, how large they
   are, how wide the middle is and what is multiplied in can be chosen; it names what comes out.

   data = {known: {"front,middle,expansion,times": [networks]}, bare: {the same}, looked: how many
   networks were read}; bare are those that have it without a shortcut. */
"use strict";

(() => {
  const PLACES = { 56: 32, 28: 64, 14: 128 }; // side of the map: channels at the ends
  const KINDS = { depthwise: "depthwise", pointwise: "pointwise", squeeze: "SE", moved: "no weights" };
  const LAYER = "Pointwise convolution"; // what is left when all is taken away
  const BOX = { width: 360, height: 250, middle: 104, unit: 26, words: 198 };

  /* The choices as numbers. */
  function chosen(s) {
    const [side, front, middle, wide] = [s.place, s.front, s.middle, s.wide].map(Number);
    return { side, front, middle, wide, times: s.times, channels: PLACES[side] };
  }

  /* The block's steps, in order: {is, name, from, to, macs, weights, bytes}. Each reads its inputs and
     weights once and writes its output once, a byte for each number. What is "moved" has no weights. */
  function steps(s) {
    const { side, front, middle, wide, times, channels } = chosen(s);
    const all = [];
    const many = wide * channels;
    const pixels = side * side;
    const layer = (is, name, from, to, weights, places) =>
      all.push({ is, name, from, to, weights, macs: weights * places, bytes: (from + to) * places + weights });
    const moved = (name, read, written, at) => all.push({ is: "moved", name, from: at, to: at, weights: 0, macs: 0, bytes: read + written });
    const depthwise = (kernel, at) => layer("depthwise", `depthwise ${kernel}×${kernel}`, at, at, kernel * kernel * at, pixels);

    if (front) depthwise(front, channels);
    if (times === "two") {
      for (const which of ["one", "other"]) layer("pointwise", `${which} branch`, channels, many, channels * many, pixels);
      moved("product", 2 * many * pixels, many * pixels, many);
    } else if (wide > 1) layer("pointwise", "expand", channels, many, channels * many, pixels);
    if (middle) depthwise(middle, many);
    if (times === "se") {
      const few = many / 4; // as in V3
      moved("mean of each channel", many * pixels, many, many);
      layer("squeeze", "squeeze", many, few, many * few, 1);
      layer("squeeze", "excite", few, many, few * many, 1);
      moved("product with each channel", many * pixels + many, many * pixels, many);
    }
    layer("pointwise", wide > 1 ? "project" : "mix", many, channels, many * channels, pixels);
    moved("sum", 2 * channels * pixels, channels * pixels, channels);
    return all;
  }

  /* Sums by kind, and of all. */
  function costs(s) {
    const all = { macs: 0, weights: 0, bytes: 0 };
    const kinds = {};
    for (const each of steps(s)) {
      kinds[each.is] ??= { macs: 0, weights: 0, bytes: 0 };
      for (const what of Object.keys(all)) {
        kinds[each.is][what] += each[what];
        all[what] += each[what];
      }
    }
    return { ...all, kinds };
  }

  /* What a block with these layers is called; null where we know no name. */
  function title(s) {
    const { front, middle, wide, times } = chosen(s);
    const gate = times === "se" ? " with squeeze-and-excite" : "";
    if (times === "two") {
      if (middle) return null;
      return front ? "StarNet-like block" : "Gated feed-forward block (GLU)";
    }
    if (wide === 1) {
      if (front && middle) return null;
      if (front || middle) return `Depthwise separable convolution${gate}`;
      return gate ? null : LAYER;
    }
    if (gate) return middle && !front ? `Inverted bottleneck${gate}` : null;
    if (front && middle) return "Extra depthwise (ExtraDW)";
    if (front) return front === 7 && wide === 4 ? "ConvNeXt's block" : "ConvNeXt-like block";
    return middle ? "Inverted bottleneck" : "Feed-forward block (FFN)";
  }

  const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);

  /* Which networks have it. Without an expansion it is the same whether the depthwise layer is said
     to stand in front or in the middle. */
  function owners(data, s) {
    const { front, middle, wide, times } = chosen(s);
    if (times === "two") {
      if (middle) return "";
      return front ? "StarNet's has one more 7×7 depthwise layer, behind the last pointwise one." : "timm has it as GluMlp, for transformers.";
    }
    if (title(s) === LAYER) return "It sees no neighbours, and nothing in it is wide.";
    if (times === "se" && front && !middle && wide > 1) return "RepViT has squeeze-and-excite in front too, behind its depthwise layer.";
    const kernels = wide === 1 && !(front && middle) ? [0, front || middle] : [front, middle];
    const place = [...kernels, wide, times].join();
    const [known, bare] = [data.known[place], data.bare[place]];
    const found = [known && `So in ${listed(known)}.`, bare && `Without a shortcut in ${listed(bare)}.`].filter(Boolean);
    return found.join(" ") || `In none of the ${data.looked} networks that we read.`;
  }
  const named = (s) => title(s) ?? "No name that we know of";

  const whole = (n) => Math.round(n).toLocaleString("en");
  const short = (n) => (n < 1e5 ? whole(n) : `${(n / 1e6).toFixed(n < 1e7 ? 2 : 1)} M`);
  const percent = (part, all) => `${Math.round((100 * part) / all)} %`;
  const intensity = ({ macs, bytes }) => (macs / bytes).toFixed(1);

  /* ---- the drawing: as wide as the channels are many, from top to bottom */

  /* What is drawn in one piece: the two branches, and squeeze-and-excite. */
  function drawn(s) {
    const channels = (n) => `${n} channels`;
    return steps(s).flatMap(({ is, name, from, to }) => {
      if (is === "depthwise") return [{ is, from, to, words: name, more: channels(to) }];
      if (name === "one branch" || name === "squeeze" || name.startsWith("mean")) return [];
      if (name === "other branch") return [{ is, from, to, twice: true, words: "two pointwise layers", more: `each ${from} to ${channels(to)}` }];
      if (is === "pointwise") return [{ is, from, to, words: `pointwise: ${name}`, more: from === to ? channels(to) : `${from} to ${channels(to)}` }];
      if (name === "excite") return [{ is, from: to, to, words: "squeeze-and-excite", more: `${to} to ${channels(from)} and back` }];
      if (name.startsWith("product with")) return [];
      return [{ is, sign: name === "sum" ? "+" : "×", words: name === "sum" ? "sum with the input" : "product of the two" }];
    });
  }

  function picture(data, s) {
    const { channels, side } = chosen(s);
    const parts = drawn(s);
    const room = (BOX.height - 30) / parts.length;
    const half = (n) => (BOX.unit * n) / channels / 2;
    const x = BOX.middle;
    const centre = (i) => 26 + room * (i + 0.5);
    const shapes = parts.map(({ is, from, to, sign, twice, words, more }, i) => {
      const y = centre(i);
      const text = `<text x="${BOX.words}" y="${more ? y - 2 : y + 4}">${words}</text>${more ? `<text class="fine" x="${BOX.words}" y="${y + 11}">${more}</text>` : ""}`;
      if (sign) return `<circle class="sign" cx="${x}" cy="${y}" r="8"/><text x="${x}" y="${y + 4}" text-anchor="middle">${sign}</text>${text}`;
      const box = (dx, dy) => `<path class="is-${is}" d="M${x - half(from) + dx} ${y - 11 + dy}H${x + half(from) + dx}L${x + half(to) + dx} ${y + 11 + dy}H${x - half(to) + dx}z"/>`;
      return `${twice ? box(5, -4) : ""}${box(0, 0)}${text}`;
    });
    const end = centre(parts.length - 1);
    return (
      `<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="The block from top to bottom: the input of ${channels} channels, ${parts.map(({ words, more }) => (more ? `${words}, ${more}` : words)).join("; ")}.">` +
      `<path class="flow" d="M${x} 20V${end + 18}"/><path class="skip" d="M${x} 20H12V${end}H${x - 8}"/>` +
      `<text x="${x}" y="13" text-anchor="middle">${side}×${side}×${channels}</text>${shapes.join("")}</svg>`
    );
  }

  globalThis.explorers.block = {
    start: { place: "28", front: "0", middle: "3", wide: "6", times: "no" },
    steps,
    costs,
    title,
    owners,

    controls() {
      const kernels = (...all) => all.map((n) => [n, n ? `${n}×${n}` : "none"]);
      return [
        { name: "front", kind: "choice", label: "Depthwise in front", options: kernels(0, 3, 5, 7) },
        { name: "middle", kind: "choice", label: "Depthwise in the middle", options: kernels(0, 3, 5) },
        { name: "wide", kind: "choice", label: "Expansion", options: [1, 2, 4, 6].map((n) => [n, `× ${n}`]) },
        { name: "times", kind: "choice", label: "Multiplied in", options: [["no", "nothing"], ["se", "squeeze-and-excite"], ["two", "two branches"]] },
        { name: "place", kind: "choice", label: "Map and channels", options: Object.entries(PLACES).reverse().map(([side, n]) => [side, `${side}×${side}×${n}`]) },
      ];
    },

    view(data, s) {
      const all = costs(s);
      const rows = Object.keys(KINDS)
        .filter((kind) => all.kinds[kind])
        .map((kind) => {
          const { macs, weights, bytes } = all.kinds[kind];
          return (
            `<tr><th scope="row"><i class="is-${kind}"></i>${KINDS[kind]}</th><td>${short(weights)}</td>` +
            `<td>${short(macs)}</td><td>${percent(macs, all.macs)}</td><td>${short(bytes)}</td><td>${percent(bytes, all.bytes)}</td></tr>`
          );
        });
      return (
        `<p class="block-name"><b data-is="name">${named(s)}.</b> ${owners(data, s)}</p>${picture(data, s)}` +
        `<dl><div><dt>MACs</dt><dd data-is="macs">${whole(all.macs)}</dd></div>` +
        `<div><dt>Weights</dt><dd data-is="weights">${whole(all.weights)}</dd></div>` +
        `<div><dt>MACs per byte, 8 bits</dt><dd data-is="intensity">${intensity(all)}</dd></div></dl>` +
        `<table class="explorer-kinds"><caption>By type of layer; bytes that are read and written, in 8 bits</caption>` +
        `<thead><tr><th scope="col">Type</th><th scope="col">Weights</th><th scope="col">MACs</th><th scope="col">share</th><th scope="col">Bytes</th><th scope="col">share</th></tr></thead>` +
        `<tbody>${rows.join("")}</tbody></table>`
      );
    },

    say(data, s) {
      const all = costs(s);
      const { macs, bytes } = all.kinds.pointwise;
      return (
        `${named(s)}: ${whole(all.macs)} MACs, ${whole(all.weights)} weights, ${intensity(all)} MACs per byte. ` +
        `In pointwise layers are ${percent(macs, all.macs)} of the MACs and ${percent(bytes, all.bytes)} of the bytes.`
      );
    },

    rest: () =>
      `<p><small>Norms, biases and activations are left out. Without weights are sums, products and means: they only move bytes, here as if each went through memory. ` +
      `Squeeze-and-excite goes down to a quarter of the wide middle, as in V3; EfficientNet and MnasNet take a quarter of the narrow end. ` +
      `A shortcut is missing where the map or its channels change, and everywhere in V1 and PP-LCNet.</small></p>`,
  };
})();
