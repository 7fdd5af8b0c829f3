/* A device's roofline, V1's layers under it, and what became of the MACs that were saved: of a device
   that was recorded, or of the reader's own, which is measured in a worker.

   data = {kernels, layers: [{side, kind, macs, moved, calls, bytes}], networks: [{name, macs, calls,
           bytes}], places: [[side, channels in, out]], devices: [what `session` gives, and device,
           browser, date, hidden]}, as data.py makes and checks it.
   Times are [median, fastest tenth, slowest tenth] in milliseconds. */
"use strict";

(() => {
  const BOX = { width: 360, height: 280, left: 36, right: 8, top: 12, bottom: 36 };
  const FLOOR = BOX.height - BOX.bottom;
  const MOST = 110; // MACs per byte
  const FEW = 4; // recorded devices that can be chosen: the table has all
  const KINDS = { standard: "full", depthwise: "depthwise", pointwise: "pointwise" };
  const ENGINES = {
    fused: "WebAssembly SIMD with fused multiply-add",
    SIMD: "WebAssembly SIMD",
    script: "plain JavaScript",
  };
  const PAIRS = [["V2", "V1"], ["V3-Small", "V3-Large"], ["V4-Conv-S", "V3-Large"]];
  const { marks, classOf, key } = globalThis.explorers;

  /* The marks of the chapter's roofline. */
  const MARKS = {
    standard: (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    depthwise: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 0 0 ${2 * r} 0a${r} ${r} 0 0 0 ${-2 * r} 0z`,
    pointwise: (x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${2.2 * r}h${-2.4 * r}z`,
  };

  // ---------------------------------------------------------------- what follows from a result

  const layerOf = (data, side, kind) => data.layers.find((each) => each.side === side && each.kind === kind);
  const networkOf = (data, name) => data.networks.find((each) => each.name === name);

  /* Billion MACs a second. Of the two measurements the faster one: a ceiling is what can be. */
  const ceiling = ({ peak }) => Math.max(...peak);

  /* Milliseconds that a layer takes at the speed of the ceilings, in the caches. */
  const bound = (result, { macs, moved }) => Math.max(macs / ceiling(result), moved / result.cache) / 1e6;

  /* At a place of V1: how many times fewer MACs the pair has, and how many times faster it is. */
  function pair(data, result, side) {
    const of = (what) => (what("depthwise") + what("pointwise")) / what("standard");
    return {
      fewer: 1 / of((kind) => layerOf(data, side, kind).macs),
      faster: 1 / of((kind) => result.layers[side][kind][0]),
    };
  }

  /* One network over another: the same two numbers. */
  function versus(data, result, [one, other]) {
    return {
      fewer: networkOf(data, other).macs / networkOf(data, one).macs,
      faster: result.networks[other][0] / result.networks[one][0],
    };
  }

  /* What makes a result doubtful. */
  function notices(result) {
    const { hidden, engine, clock, peak, drift } = result;
    const all = [...Object.values(result.layers).flatMap(Object.values), ...Object.values(result.networks)];
    const wide = all.filter(([middle, low, high]) => high - low > middle / 2).length;
    const found = [];
    if (hidden) found.push("<b>Do not trust this:</b> the page was hidden meanwhile, and browsers slow down what is hidden.");
    if (engine === "script") found.push("This browser has no SIMD for WebAssembly, so the same kernels ran in plain JavaScript, which is many times slower.");
    if (peak[1] < 0.85 * peak[0] || drift > 1.15) found.push("The device became slower while it was measured: perhaps it was hot, saved power, or had other work.");
    if (3 * wide > all.length) found.push("The times scatter widely: perhaps something else was running, or the work moved between fast and slow cores. Measure again in quiet.");
    if (clock > 1) found.push(`This browser's clock moves in steps of ${two(clock)} ms, so that small differences mean nothing.`);
    return found;
  }

  // ---------------------------------------------------------------- words and numbers

  /* Two or three digits that count: 0.11, 1.3, 24, 120. */
  function two(number) {
    if (number >= 9.95) return String(Math.round(number));
    return number >= 0.995 ? number.toFixed(1) : number.toPrecision(2);
  }
  const ratio = (number) => (number < 9.95 ? number.toFixed(2) : number.toFixed(1));
  const percent = (part) => `${Math.round(100 * part)} %`;
  const arrived = ({ fewer, faster }) => percent(faster / fewer);
  const sides = (side) => `${side}×${side}`;
  const escaped = (text) => text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);

  const isYours = (s) => s.device === "yours" && s.result !== null;
  /* As it is saved: with the name that the reader gives. */
  const yours = (s) => ({ device: s.name.trim() || "a device without a name", ...s.result });
  const chosen = (data, s) => (isYours(s) ? yours(s) : data.devices[Number(s.device)] ?? data.devices[0]);

  /* The whole result in a line, to copy. */
  function line(data, result) {
    const at = data.places.map(([side]) => pair(data, result, side));
    const times = Object.entries(result.networks).map(([name, [ms]]) => `${name} ${two(ms)}`);
    const over = PAIRS.map((both) => `${both.join(" over ")} ${ratio(versus(data, result, both).faster)}`);
    return (
      `${result.device} (${result.browser}, ${result.engine}, ${result.date}): ${two(ceiling(result))} billion MACs/s, ` +
      `${two(result.cache)} and ${two(result.memory)} billion bytes/s; ` +
      `pair over full layer ${at.map(({ faster, fewer }) => `${ratio(faster)} of ${ratio(fewer)}`).join(", ")}; ` +
      `ms: ${times.join(", ")}; times faster: ${over.join(", ")}`
    );
  }

  // ---------------------------------------------------------------- the picture

  const round = (n) => Math.round(n * 10) / 10;
  const decades = (numbers, [low, high]) =>
    [-2, -1, 0, 1, 2, 3].flatMap((power) => numbers.map((n) => Number(`${n}e${power}`))).filter((n) => n >= low && n <= high);

  /* The sides of the maps, beside their marks: above each other where those crowd. */
  function names(points, up, across) {
    const LOOKS = { standard: [8, "start"], depthwise: [-8, "end"], pointwise: [-8, "end"] };
    return Object.entries(LOOKS).flatMap(([kind, [aside, anchor]]) => {
      const own = points.filter(([each]) => each.kind === kind).map(([{ side }, x, y]) => [across(x), up(y) + 4, side]);
      own.sort(([, one], [, other]) => one - other);
      let last = -Infinity;
      return own.map(([x, y, side]) => {
        const crowded = kind === "depthwise" ? Math.max(y, last + 11) : y;
        last = crowded;
        return `<text class="named" x="${round(x + aside)}" y="${round(crowded)}" text-anchor="${anchor}">${side}</text>`;
      });
    });
  }

  function roofline(data, result) {
    const points = data.layers.map((each) => [each, each.macs / each.moved, each.macs / result.layers[each.side][each.kind][0] / 1e6]);
    const top = ceiling(result);
    const X = [Math.min(0.3, (0.4 * top) / result.cache), MOST];
    const Y = [0.55 * Math.min(...points.map(([, , y]) => y)), 1.7 * Math.max(top, ...points.map(([, , y]) => y))];
    const across = (x) => round(BOX.left + (Math.log(x / X[0]) / Math.log(X[1] / X[0])) * (BOX.width - BOX.left - BOX.right));
    const up = (y) => round(FLOOR - (Math.log(y / Y[0]) / Math.log(Y[1] / Y[0])) * (FLOOR - BOX.top));
    const grid = [
      ...decades([1, 2, 5], Y).map((n) => `<path d="M${BOX.left} ${up(n)}H${BOX.width - BOX.right}"/><text x="${BOX.left - 5}" y="${up(n) + 4}" text-anchor="end">${n}</text>`),
      ...decades([1, 3], X).map((n) => `<path d="M${across(n)} ${BOX.top}V${FLOOR}"/><text x="${across(n)}" y="${FLOOR + 15}" text-anchor="middle">${n}</text>`),
    ];
    const slope = (Math.atan((up(1) - up(10)) / (across(10) - across(1))) * 180) / Math.PI;
    const roof = (speed, name, look) => {
      const start = Math.max(X[0], Y[0] / speed); // where the slanted part begins, and where it ends
      const end = Math.min(X[1], top / speed);
      if (start >= end) return "";
      const [x, y] = [across(start) + 3, up(start * speed) - 4];
      return (
        `<path class="roof${look}" d="M${across(start)} ${up(start * speed)}L${across(end)} ${up(end * speed)}H${across(X[1])}"/>` +
        `<text class="named" x="${x}" y="${y}" transform="rotate(${round(-slope)} ${x} ${y})">${name}</text>`
      );
    };
    const dots = points.map(([{ kind }, x, y]) => `<path class="is-${kind}" d="${MARKS[kind](across(x), up(y), 4.5)}"/>`);
    return (
      `<svg viewBox="0 0 ${BOX.width} ${BOX.height}" role="img" aria-label="Billion MACs per second over MACs per byte, both logarithmic. A flat roof at ${two(top)}, and two slanted ones, for copies of 200 kB and of 16 MB. Under them V1's layers: full and pointwise ones on the right, depthwise ones on the left. The table below has their times.">` +
      `<g class="axes">${grid.join("")}<text x="${(BOX.left + BOX.width) / 2}" y="${BOX.height - 4}" text-anchor="middle">MACs per byte</text>` +
      `<text x="${BOX.width - BOX.right}" y="${BOX.top + 1}" text-anchor="end">billion MACs per second</text></g>` +
      `${roof(result.memory, "16 MB", " far")}${roof(result.cache, "200 kB", "")}${dots.join("")}${names(points, up, across).join("")}</svg>`
    );
  }

  const mark = (kind) => `<svg viewBox="0 0 12 12" class="is-${kind}" aria-hidden="true"><path d="${MARKS[kind](6, 6, 4)}"/></svg>`;
  const keys = () => `<ul class="explorer-keys">${Object.keys(KINDS).map((kind) => `<li>${mark(kind)}${KINDS[kind]}</li>`).join("")}<li>7, 14, 112: side of the map</li></ul>`;

  // ---------------------------------------------------------------- the tables

  function table(caption, head, rows) {
    const cells = (tag, all) => all.map((each) => `<${tag}${tag === "th" ? ' scope="col"' : ""}>${each}</${tag}>`).join("");
    const body = rows.map(([name, ...rest]) => `<tr><th scope="row">${name}</th>${cells("td", rest)}</tr>`);
    return (
      `<table class="measure"><caption>${caption}</caption><thead><tr>${cells("th", head)}</tr></thead>` +
      `<tbody>${body.join("")}</tbody></table>`
    );
  }

  const place = ([side, channels, out]) => `${channels.toLocaleString("en")} to ${out.toLocaleString("en")}, ${sides(side)}`;

  function layerTable(data, result) {
    const rows = data.layers.map((each) => {
      const [ms] = result.layers[each.side][each.kind];
      const least = bound(result, each);
      return [`${mark(each.kind)}${KINDS[each.kind]}, ${sides(each.side)}`, two(least), two(ms), percent(least / ms)];
    });
    return table("Each layer: milliseconds at full speed, as measured, and the share of the possible", ["Layer", "bound", "measured", "share"], rows);
  }

  function answers(data, result) {
    const at = data.places.map((each) => {
      const found = pair(data, result, each[0]);
      return [place(each), ratio(found.fewer), ratio(found.faster), arrived(found)];
    });
    const over = PAIRS.map((both) => {
      const found = versus(data, result, both);
      return [`${both[0]} over ${both[1]}`, ratio(found.fewer), ratio(found.faster), arrived(found)];
    });
    const times = data.networks.map(({ name, macs }) => {
      const [ms, low, high] = result.networks[name];
      return [`${key(name.startsWith("V4") ? "V4" : name)}${name}`, Math.round(macs / 1e6), two(ms), `${two(low)}–${two(high)}`];
    });
    return (
      table("The separable pair over the full layer: how many times fewer MACs, and how many times faster", ["Place", "fewer", "faster", "arrived"], at) +
      table("The same of whole networks", ["Networks", "fewer", "faster", "arrived"], over) +
      table("A picture of 224×224: million MACs, milliseconds, and where the fastest and slowest tenth begin", ["Network", "MACs", "ms", "tenths"], times)
    );
  }

  // ---------------------------------------------------------------- measuring

  /* "Firefox 153, Android", of what a browser says that it is. */
  function browserOf(agent) {
    const KNOWN = [
      ["Edge", /Edg(?:A|iOS)?\/(\d+)/], ["Opera", /OPR\/(\d+)/], ["Samsung Internet", /SamsungBrowser\/(\d+)/],
      ["Firefox", /(?:Firefox|FxiOS)\/(\d+)/], ["Chrome", /(?:Chrome|CriOS)\/(\d+)/], ["Safari", /Version\/(\d+).*Safari/],
    ];
    const SYSTEMS = [["Android", /Android/], ["iOS", /iPhone|iPad|iPod/], ["macOS", /Mac OS X/], ["Windows", /Windows/], ["ChromeOS", /CrOS/], ["Linux", /Linux/]];
    const [name, pattern] = KNOWN.find(([, each]) => each.test(agent)) ?? ["an unknown browser", /(?:)/];
    const number = agent.match(pattern)?.[1];
    const [system] = SYSTEMS.find(([, each]) => each.test(agent)) ?? ["an unknown system"];
    const others = name === "Safari" && !/OS/.test(system); // the same engine, by others than Apple
    return `${others ? "WebKit" : name}${number ? ` ${number}` : ""}, ${system}`;
  }

  let stop = null; // what ends the measurement that runs

  /* Measure in a worker, so that the page stays alive: its source are two functions of ours. */
  function measure(data, state, change) {
    const { runtime, session } = globalThis.explorers;
    const source = `"use strict";
      const runtime = (${runtime})();
      const session = ${session};
      onmessage = ({ data: [given, pace] }) =>
        postMessage({ result: session(runtime, given, pace, (part) => postMessage({ part })) });`;
    let hidden = document.hidden;
    let part = 0;
    const look = () => (hidden ||= document.hidden);
    const end = (news) => {
      document.removeEventListener("visibilitychange", look);
      worker?.terminate();
      URL.revokeObjectURL(address);
      stop = null;
      change({ running: false, progress: 0, ...news });
    };
    const failed = ({ message }) => end({ note: `This browser could not measure: ${escaped(message || "it does not say why")}. This run gave no result.` });
    const guessed = state.guess;
    let worker, address;
    try {
      address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      worker = new Worker(address);
      worker.onerror = failed;
      worker.onmessage = ({ data: news }) => {
        if (news.result) {
          const own = { browser: browserOf(navigator.userAgent), date: new Date().toISOString().slice(0, 10), hidden };
          end({ result: { ...own, ...news.result }, device: "yours", guessed, note: "" });
        } else if (news.part >= part + 0.02) {
          change({ progress: (part = news.part) });
        }
      };
      stop = () => end({ note: "Stopped. This run gave no result." });
      const { kernels, layers, networks } = data;
      worker.postMessage([{ kernels, layers, networks }, globalThis.explorers.measure.pace]);
      document.addEventListener("visibilitychange", look);
      change({ running: true, note: "" });
    } catch (error) {
      failed(error);
    }
  }

  async function copy(text, change) {
    try {
      await navigator.clipboard.writeText(text);
      change({ note: "Copied." });
    } catch {
      change({ note: "The browser did not let this page copy. Mark the line, and copy it yourself." });
    }
  }

  function save(result) {
    const text = `${JSON.stringify(result, null, 1)}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `${result.device.replace(/[^\w]+/g, "-").toLowerCase()}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // ---------------------------------------------------------------- the explorer

  globalThis.explorers.measure = {
    start: { device: "0", guess: 5, guessed: null, name: "", running: false, progress: 0, result: null, note: "" },
    pace: {}, // of a measurement: see session.js
    pair,
    versus,
    bound,
    notices,
    line,
    browserOf,

    controls(data, s) {
      const nothing = s.result === null;
      return [
        { name: "guess", kind: "range", label: "Your guess: how many times faster?", min: 1, max: 20, step: 1, text: String(s.guess) },
        { name: "measure", kind: "action", label: s.running ? "Stop" : nothing ? "Measure this device" : "Measure again" },
        { name: "progress", kind: "progress", label: "Measuring", hidden: !s.running },
        { name: "device", kind: "choice", label: "Device shown", options: [...data.devices.slice(0, FEW).map(({ device }, i) => [i, escaped(device)]), ["yours", "yours", nothing]] },
        { name: "name", kind: "text", label: "Name of your device", max: 60, hidden: nothing },
        { name: "copy", kind: "action", label: "Copy your line", hidden: nothing },
        { name: "save", kind: "action", label: "Save yours as a file", hidden: nothing },
      ];
    },

    view(data, s) {
      const result = chosen(data, s);
      const own = isYours(s);
      const figures = [
        ["billion MACs/s", "peak", two(ceiling(result))],
        ["billion bytes/s, a copy of 200 kB", "cache", two(result.cache)],
        ["a copy of 16 MB", "memory", two(result.memory)],
      ];
      if (own) figures.unshift(["your guess", "guess", s.guessed], ["pair at 14×14, times faster", "faster", ratio(pair(data, result, 14).faster)]);
      const found = answers(data, result);
      return (
        `<p class="measured-device"><b>${own ? "Your device" : escaped(result.device)}</b>: ${result.browser}, ${result.date}. Engine: ${ENGINES[result.engine]}.</p>` +
        notices(result).map((each) => `<p class="measure-notice">${each}</p>`).join("") +
        `<dl>${figures.map(([label, name, value]) => `<div><dt>${label}</dt><dd data-is="${name}">${value}</dd></div>`).join("")}</dl>` +
        roofline(data, result) +
        keys() +
        (own ? found : `<details><summary>How much of the saving arrived on this device?</summary>${found}</details>`) +
        layerTable(data, result) +
        (own ? `<p>To pass on:</p><p class="measure-line">${escaped(line(data, result))}</p>` : "")
      );
    },

    say(data, s) {
      if (s.running) return "Measuring. You can read on meanwhile; leave this page in view.";
      const note = s.note ? `${s.note} ` : "";
      if (!isYours(s)) {
        const { device, browser } = chosen(data, s);
        return `${note}This is another device, as it was recorded: ${escaped(device)}, ${browser}. ${s.result ? "Choose <i>yours</i> to see your own again." : "What does yours do? Guess first."}`;
      }
      const { fewer, faster } = pair(data, s.result, 14);
      const share = faster / fewer;
      const verdict = share > 1.1 ? "more than the MACs say" : share < 0.9 ? "less than the MACs say" : "about what the MACs say";
      const told = notices(s.result).length ? " Read the notices above." : "";
      return (
        `${note}Your guess was ${s.guessed}. At 14×14 the pair has ${ratio(fewer)} times fewer MACs than the full layer, and on your device it is ${ratio(faster)} times faster: ` +
        `${arrived({ fewer, faster })} of the saving arrived, ${verdict}.${told}`
      );
    },

    /* What was said of a copy is over when another device is chosen. */
    settle: (data, was, s) => (was.device === s.device ? s : { ...s, note: "" }),

    act(name, data, s, change) {
      if (name === "copy") copy(line(data, yours(s)), change);
      else if (name === "save") save(yours(s));
      else if (stop) stop();
      else measure(data, s, change);
    },

    rest(data) {
      const rows = data.devices.map((result) => [
        escaped(result.device),
        result.browser,
        result.engine,
        two(ceiling(result)),
        ...data.places.map(([side]) => ratio(pair(data, result, side).faster)),
        ...PAIRS.slice(0, 2).map((both) => ratio(versus(data, result, both).faster)),
      ]);
      const head = ["Device", "browser", "engine", "peak", ...data.places.map(([side]) => `pair, ${sides(side)}`), ...PAIRS.slice(0, 2).map((both) => both.join(" over "))];
      return (
        `<p><small>Nothing leaves your device: all is computed here, and no result is sent. One thread, one picture, 32-bit floating point, the kernels of <a href="../kernels/index.html">the chapter on them</a>, with weights drawn at random. The pair's time is that of its two layers, added. ` +
        `A layer's bound is its MACs at the flat roof or its bytes at the speed of the caches, whichever takes longer. ` +
        `A browser is not the device's own speed: on the CPU it was <a href="https://doi.org/10.1145/3688843">about 16 times slower</a>, on average of PCs and of phones. How far this runtime is from native code on one machine, <a href="../kernels/index.html">that chapter</a> measures.</small></p>` +
        `<details><summary>Devices measured so far: ${data.devices.length}</summary><div class="pst-scrollable-table-container">` +
        `${table("Billion MACs per second; how many times faster the pair is than the full layer, and one network than another", head, rows)}</div></details>`
      );
    },
  };
})();
