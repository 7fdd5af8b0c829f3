/* A trained network that can be looked into, and changed.

     const eye = globalThis.explorers.eye(runtime(), network, weights, numbers);
     eye.look(pixels, ask); // what the page shows of a picture: see `look`

   `network` is what data.py wrote: calls, layers, units. `weights` are all layers' integers, one
   after another, and `numbers` four for each output channel. A function that uses nothing from
   outside: its text is also the source of a worker. */
"use strict";

globalThis.explorers ??= {};

globalThis.explorers.eye = (runtime, network, weights, numbers) => {
  const { layers, values, units } = network;
  const it = runtime.machine(network.kernels, network.bytes, network.engine);
  const f = it.floats;
  const SHEET = 24; // channels that are shown at once

  // ---------------------------------------------------------------- weights, and what changes them

  /* Where in memory the i-th weight of an output channel stands. */
  function place({ kind, w, size, inputs }, channel, i) {
    const [side, many] = kind === "depthwise" ? [4, size * size] : [8, inputs];
    return w / 4 + side * many * Math.floor(channel / side) + side * i + (channel % side);
  }

  /* Four numbers of each output channel: what an integer of its weights stands for; the bias; the
     batch norm's own bias; and by how much another epsilon would stretch it. */
  const settings = (layer) => ({
    scale: numbers.subarray(layer.first, layer.first + layer.outputs),
    bias: numbers.subarray(layer.first + layer.outputs, layer.first + 2 * layer.outputs),
    beta: numbers.subarray(layer.first + 2 * layer.outputs, layer.first + 3 * layer.outputs),
    stretch: numbers.subarray(layer.first + 3 * layer.outputs, layer.first + 4 * layer.outputs),
  });

  /* Write a layer's weights into memory: `of(integer, channel)` for each. Channels lie side by
     side there, four or eight. */
  function write(layer, of) {
    const lanes = layer.kind === "depthwise" ? 4 : 8;
    const many = layer.count / layer.outputs;
    for (let channel = 0, i = 0; channel < layer.outputs; channel += lanes)
      for (let j = 0; j < many; j++)
        for (let lane = 0; lane < lanes; lane++, i++) f[layer.w / 4 + i] = of(weights[layer.at + i], channel + lane);
  }

  function fill(layer, epsilon) {
    const { scale, bias, beta, stretch } = settings(layer);
    const stretched = scale.map((each, channel) => each * (epsilon ? stretch[channel] : 1));
    write(layer, (integer, channel) => integer * stretched[channel]);
    f.set(epsilon ? bias.map((each, i) => beta[i] + (each - beta[i]) * stretch[i]) : bias, layer.b / 4);
  }

  /* Round a layer's weights to so many bits: integers, the largest of a channel, or of the layer,
     becomes the largest that there is. As shipped, the largest of each channel is 127. */
  function round(layer, bits, per) {
    const { scale } = settings(layer);
    const most = 2 ** (bits - 1) - 1;
    const steps = Float64Array.from(scale, (each) => (127 * each) / most);
    if (per === "tensor") steps.fill(steps.reduce((a, b) => Math.max(a, b)));
    write(layer, (integer, channel) => (steps[channel] ? Math.round((integer * scale[channel]) / steps[channel]) * steps[channel] : 0));
  }

  /* Silence the smallest of a block's wide channels: those whose filters have the smallest sums of
     absolute weights. Returns how many. */
  function remove(number, share) {
    const layer = layers.find(({ name }) => name === `blocks.${number - 1}.depthwise.conv`);
    const many = layer.size * layer.size;
    const size = (channel) => {
      let sum = 0;
      for (let i = 0; i < many; i++) sum += Math.abs(f[place(layer, channel, i)]);
      return sum;
    };
    const sizes = Array.from({ length: layer.outputs }, (_, channel) => size(channel));
    const order = sizes.map((_, channel) => channel).sort((a, b) => sizes[a] - sizes[b] || a - b);
    const gone = order.slice(0, Math.round(share * layer.outputs));
    for (const channel of gone) {
      for (let i = 0; i < many; i++) f[place(layer, channel, i)] = 0;
      f[layer.b / 4 + channel] = 0;
    }
    return gone.length;
  }

  /* The network's calls after a change. */
  function callsOf(kind) {
    const outputs = new Map(values.map((each, i) => [each.address, i]));
    return network.calls.map((call) => {
      const [name, ...args] = call;
      if (kind === "shortcuts" && name === "add") {
        const [x, z, y, size] = args; // what came in and what was computed of it: that is the later one
        return ["copy", outputs.get(x) > outputs.get(z) ? x : z, y, size];
      }
      if (kind === "padding" && name === "pad") {
        const [x, y, above, below, before, lines, size, line] = args;
        return ["pad", x, y, below, above, line - size - before, lines, size, line];
      }
      if (kind === "activation" && projecting.has(call)) return [name, ...args.slice(0, -3), 0, 6, 0];
      return call;
    });
  }
  const starts = values.map((each) => each.call);
  const projecting = new Set(
    values.flatMap(({ name }, i) => (/project/.test(name) ? network.calls.slice(starts[i], starts[i + 1] ?? network.calls.length) : [])),
  );

  let calls = network.calls;
  let now = null; // the change that the memory and the calls are of
  let removed = 0;

  function change(to) {
    if (JSON.stringify(to) === JSON.stringify(now)) return;
    for (const layer of layers) {
      fill(layer, to.kind === "epsilon");
      if (to.kind === "bits") round(layer, to.bits, to.per);
    }
    removed = to.kind === "channels" ? remove(to.block, to.share) : 0;
    calls = callsOf(to.kind);
    now = to;
    runs.length = 0;
  }

  // ---------------------------------------------------------------- running

  /* What a call's time is counted as. */
  function kindOf(call) {
    const [name] = call;
    if (name.startsWith("depthwise")) return "depthwise";
    if (!name.startsWith("dense")) return "rest";
    return full.has(call) ? "full" : "pointwise";
  }
  const full = new Set(network.calls.slice(0, starts[1]));
  const kinds = network.calls.map(kindOf);
  const runs = []; // milliseconds by kind, of the last runs

  function run(pixels) {
    for (let i = 0; i < pixels.length; i++) f[network.picture / 4 + i] = (255 * pixels[i] - 127) / 128;
    const spent = { full: 0, depthwise: 0, pointwise: 0, rest: 0 };
    const begin = performance.now();
    let last = begin;
    for (let i = 0; i < calls.length; ) {
      const kind = kinds[i];
      let end = i + 1;
      while (end < calls.length && kinds[end] === kind) end++;
      it.run(calls.slice(i, end));
      const time = performance.now();
      spent[kind] += time - last;
      [last, i] = [time, end];
    }
    spent.all = last - begin;
    runs.push(spent);
    if (runs.length > 9) runs.shift();
    return f.slice(network.answer / 4, network.answer / 4 + network.classes);
  }

  const median = (all) => [...all].sort((a, b) => a - b)[all.length >> 1];
  const times = () => Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((each) => each[key]))]));

  /* Shares of all classes, as a softmax makes them. */
  function shares(logits) {
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const raised = Array.from(logits, (each) => Math.exp(each - largest));
    const sum = raised.reduce((a, b) => a + b);
    return raised.map((each) => each / sum);
  }
  const first = (all, count) =>
    all.map((share, index) => [index, share]).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, count);

  // ---------------------------------------------------------------- looking

  /* A map of the value `which`; -1 is the picture, as the network gets it. */
  const described = (which) => (which < 0 ? { address: network.picture, channels: 3, side: network.side, held: 3 } : values[which]);
  const number = (which, channel, x, y) => {
    const { address, side, held } = described(which);
    return f[address / 4 + (y * side + x) * held + channel];
  };

  /* Mean, spread and share of zeros of each channel. */
  function statistics(which) {
    const { address, channels, side, held } = described(which);
    const [sum, squares, zeros] = [0, 1, 2].map(() => new Float64Array(channels));
    const places = side * side;
    for (let at = address / 4, end = at + places * held; at < end; at += held)
      for (let channel = 0; channel < channels; channel++) {
        const each = f[at + channel];
        sum[channel] += each;
        squares[channel] += each * each;
        if (each === 0) zeros[channel]++;
      }
    const variance = sum.map((each, i) => Math.max(0, squares[i] / places - (each / places) ** 2));
    return { variance, mean: sum.map((each) => each / places), zeros: zeros.map((each) => each / places) };
  }

  /* The channels of a value, those first that vary most over the picture. */
  const lively = ({ variance }) => Array.from(variance.keys()).sort((a, b) => variance[b] - variance[a] || a - b);

  /* Numbers of a map in sixteen shades: 0 is the least, 15 the largest. */
  function shaded(numbers, side) {
    let [low, high, at] = [Infinity, -Infinity, 0];
    for (let i = 0; i < numbers.length; i++) {
      low = Math.min(low, numbers[i]);
      if (numbers[i] > high) [high, at] = [numbers[i], i];
    }
    const shades = Uint8Array.from(numbers, (each) => (high > low ? Math.round((15 * (each - low)) / (high - low)) : 0));
    return { side, low, high, at: [at % side, Math.floor(at / side)], shades };
  }

  function map(which, channel) {
    const { side } = described(which);
    const found = Float32Array.from({ length: side * side }, (_, i) => number(which, channel, i % side, Math.floor(i / side)));
    return shaded(found, side);
  }

  /* What each place says for a name: its channels times the classifier's weights. Their mean and
     the bias are the logit, as the mean over the places comes before the classifier, and both only
     add. Zhou et al. 2016 call it a class activation map. */
  function evidence(name) {
    const layer = layers.at(-1);
    const { which } = units.at(-1).parts.at(-1);
    const { side, channels } = described(which);
    const weight = Array.from({ length: channels }, (_, channel) => f[place(layer, name, channel)]);
    const says = (x, y) => weight.reduce((sum, each, channel) => sum + each * number(which, channel, x, y), 0);
    const found = Float64Array.from({ length: side * side }, (_, i) => says(i % side, Math.floor(i / side)));
    const mean = found.reduce((sum, each) => sum + each) / found.length;
    return { ...shaded(found, side), mean, bias: f[layer.b / 4 + name], logit: f[network.answer / 4 + name] };
  }

  /* How a number came about: products of inputs and weights, their sum, the activation. */
  function explain(which, channel, x, y) {
    const value = number(which, channel, x, y);
    if (which < 0) return { kind: "picture", value };
    const { layer: index, inputs: from, stride, before } = values[which];
    if (index < 0) {
      const [a, b] = from.map((each) => number(each, channel, x, y));
      return { kind: "sum", terms: [a, b], value };
    }
    const layer = layers[index];
    const source = described(from[0]);
    const bias = f[layer.b / 4 + channel];
    const at = (i) => f[place(layer, channel, i)];
    const activation = now.kind === "activation" && /project/.test(values[which].name) ? [0, 6] : values[which].clamp;
    if (layer.size === 1) {
      const terms = Array.from({ length: layer.inputs }, (_, i) => [i, number(from[0], i, x, y), at(i)]);
      terms.sort((one, other) => Math.abs(other[1] * other[2]) - Math.abs(one[1] * one[2]));
      const rest = terms.slice(5).reduce((sum, [, input, weight]) => sum + input * weight, 0);
      const sum = terms.reduce((total, [, input, weight]) => total + input * weight, bias);
      return { kind: "dense", terms: terms.slice(0, 5), count: layer.inputs, rest, bias, sum, value, activation };
    }
    const shift = now.kind === "padding" && stride === 2 ? layer.size - 2 - before : before;
    const planes = layer.kind === "depthwise" ? [channel] : [0, 1, 2];
    const windows = planes.map((plane, p) =>
      Array.from({ length: layer.size ** 2 }, (_, i) => {
        const [column, row] = [x * stride - shift + (i % layer.size), y * stride - shift + Math.floor(i / layer.size)];
        const inside = Math.min(column, row) >= 0 && Math.max(column, row) < source.side;
        const weight = layer.kind === "depthwise" ? at(i) : at(planes.length * i + p);
        return [inside ? number(from[0], plane, column, row) : null, weight];
      }),
    );
    const sum = windows.flat().reduce((total, [input, weight]) => total + (input ?? 0) * weight, bias);
    return { kind: "window", size: layer.size, corner: [x * stride - shift, y * stride - shift], windows, bias, sum, value, activation };
  }

  /* The weights of a filter that looks at places, by itself. */
  function filterOf(which, channel) {
    const layer = layers[values[which]?.layer];
    if (layer?.kind !== "depthwise") return null;
    return Array.from({ length: layer.size ** 2 }, (_, i) => f[place(layer, channel, i)]);
  }

  /* Many channels beside each other, eight in a line. */
  function sheet(which, order) {
    const maps = order.slice(0, SHEET).map((channel) => map(which, channel));
    const { side } = described(which);
    const [columns, gap] = [8, Math.max(1, Math.round(side / 14))];
    const lines = Math.ceil(maps.length / columns);
    const [width, height] = [columns * (side + gap) - gap, lines * (side + gap) - gap];
    const shades = new Uint8Array(width * height).fill(8);
    maps.forEach((each, n) => {
      const [left, top] = [(n % columns) * (side + gap), Math.floor(n / columns) * (side + gap)];
      for (let y = 0; y < side; y++) shades.set(each.shades.subarray(y * side, (y + 1) * side), (top + y) * width + left);
    });
    return { width, height, columns, side, gap, channels: order.slice(0, SHEET), shades };
  }

  // ---------------------------------------------------------------- what is asked

  const all = new Map(); // of the picture and change that memory holds: what was counted already
  const counted = (which) => {
    if (!all.has(which)) {
      const found = statistics(which);
      all.set(which, { ...found, order: lively(found) });
    }
    return all.get(which);
  };

  let whole = null; // shares of the whole network, for the picture at hand
  let seen = null;
  let pixels = null;

  /* What is shown of a picture (numbers from 0 to 1, 224×224×3; null: the one before) and of
     `ask`: {unit, part, channel, at, change, name, sheet}; `name` counts the first guesses. A `channel` or `at` of null is chosen here:
     the channel that varies most, the place with the largest number. */
  function look(news, ask) {
    const other = news !== null;
    if (other) pixels = news;
    const broken = ask.change.kind !== "none";
    if (other || JSON.stringify(ask.change) !== JSON.stringify(now)) {
      if (broken && (other || whole === null)) {
        change({ kind: "none" });
        whole = shares(run(pixels));
      }
      change(ask.change);
      seen = shares(run(pixels));
      if (!broken) whole = seen;
      all.clear();
    }
    const parts = partsOf(ask);
    const part = parts.find(({ name }) => name === ask.part) ?? parts.at(-1);
    const { mean, variance, zeros, order } = counted(part.which);
    const chosen = map(part.which, part.channel);
    const [x, y] = (ask.at ?? chosen.at).map((each) => Math.min(chosen.side - 1, each));
    const own = first(whole, 5);
    const best = first(seen, 5);
    return {
      unit: ask.unit,
      change: ask.change,
      top: best,
      whole: own,
      now: own.map(([index]) => [index, seen[index]]),
      name: ask.name,
      why: evidence(best[ask.name][0]),
      times: times(),
      engine: it.engine,
      removed,
      strip: units.map(({ parts: each }) => {
        const { which } = each.at(-1);
        const [channel] = counted(which).order;
        return { which, channel, ...map(which, channel) };
      }),
      parts,
      part: part.name,
      channel: part.channel,
      rank: order.indexOf(part.channel),
      mean: mean[part.channel],
      spread: Math.sqrt(variance[part.channel]),
      zeros: zeros[part.channel],
      filter: filterOf(part.which, part.channel),
      map: chosen,
      at: [x, y],
      number: explain(part.which, part.channel, x, y),
      sheet: ask.sheet ? sheet(part.which, order) : null,
    };
  }

  /* The values of a unit, each with the channel that is shown of it. Wide values show the same
     channel, and so do narrow ones that a shortcut joins. */
  function partsOf({ unit, part, channel }) {
    const { parts, shortcut } = units[unit];
    const found = parts.map(({ name, which }) => ({ name, which, channels: described(which).channels }));
    const asked = found.find(({ name }) => name === part) ?? found.at(-1);
    const group = ({ name }) => (["expanded", "filtered"].includes(name) ? "wide" : name === "in" && !shortcut ? "in" : "narrow");
    const leads = { wide: "filtered", in: "in", narrow: found.at(-1).name };
    return found.map((each) => {
      const lead = found.find(({ name }) => name === leads[group(each)]) ?? each;
      const own = channel !== null && group(each) === group(asked) ? channel : counted(lead.which).order[0];
      const { zeros } = counted(each.which);
      return { ...each, channel: own, zeros: zeros.reduce((a, b) => a + b) / each.channels, ...map(each.which, own) };
    });
  }

  return { look, change, run, engine: it.engine, units };
};

/* The integers and numbers of what was loaded: see data.py's `text`. */
globalThis.explorers.opened = (parcel) => {
  const codes = Object.keys(parcel).filter((key) => key.startsWith("weights")).sort();
  const integers = new Int8Array(codes.reduce((sum, key) => sum + parcel[key].length, 0));
  const meaning = new Int8Array(0x180);
  let next = 0;
  for (let code = 0x20; next < 255; code++) {
    if (code === 0x22 || code === 0x5c || code === 0xad || (code > 0x7e && code < 0xa1)) continue;
    meaning[code] = next % 2 ? -(next + 1) / 2 : next / 2;
    next++;
  }
  let at = 0;
  for (const key of codes) for (let i = 0; i < parcel[key].length; i++) integers[at++] = meaning[parcel[key].charCodeAt(i)];
  const bytes = Uint8Array.from(atob(parcel.numbers), (each) => each.charCodeAt(0));
  return [integers, new Float32Array(bytes.buffer)];
};
