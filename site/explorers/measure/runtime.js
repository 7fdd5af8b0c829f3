/* The runtime of chapters/kernels in a browser, and a clock that can be trusted.

     const { machine, fill, race } = globalThis.explorers.runtime();
     const it = machine(kernels, program.bytes); // kernels: {fused, SIMD}, modules as base64
     it.floats.set(weights, 0);
     it.run(program.calls); // [[kernel, its arguments …], …]

   One function that uses nothing from outside: its text is also the source of a worker. */
"use strict";

globalThis.explorers ??= {};

globalThis.explorers.runtime = () => {
  // ---------------------------------------------------------------- kernels

  function decode(base64) {
    return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  }

  /* The fastest engine that this browser has. */
  function choose(kernels) {
    const accepted = (name) => globalThis.WebAssembly?.validate(decode(kernels[name]));
    return ["fused", "SIMD"].find(accepted) ?? "script";
  }

  /* Kernels over a memory of so many bytes. `run` runs a network's list of calls. */
  function machine(kernels, bytes, engine = choose(kernels)) {
    const pages = Math.ceil(bytes / 65536);
    let buffer, found;
    if (engine === "script") {
      buffer = new ArrayBuffer(65536 * pages);
      found = script(new Float32Array(buffer));
    } else {
      const memory = new WebAssembly.Memory({ initial: pages });
      const module = new WebAssembly.Module(decode(kernels[engine]));
      found = new WebAssembly.Instance(module, { book: { memory } }).exports;
      buffer = memory.buffer;
    }
    const run = (calls) => {
      for (const [name, ...args] of calls) found[name](...args);
    };
    return { engine, kernels: found, floats: new Float32Array(buffer), run };
  }

  /* The same kernels, one number at a time, for browsers without SIMD. `f` is the memory; an
     address counts bytes, and a number has four of them. */
  function script(f) {
    function activate(y, low, high, swish) {
      const gate = Math.min(high, Math.max(low, swish ? y + 3 : y));
      return swish ? (y * gate) / 6 : gate;
    }

    /* Eight output channels at a time, in eight variables: those are quicker than a list. */
    function dense(x, w, b, y, groups, lines, xLine, yLine, width, xStep, yStep, rows, row, run, low, high, swish) {
      const size = 2 * rows * run; // numbers that the weights of eight channels take
      for (let group = 0; group < groups; group++)
        for (let line = 0; line < lines; line++)
          for (let place = 0; place < width; place++) {
            let [c, d, e, g, h, k, m, n] = f.subarray(b / 4 + 8 * group, b / 4 + 8 * group + 8);
            let weight = w / 4 + size * group;
            for (let r = 0; r < rows; r++) {
              const start = (x + line * xLine + place * xStep + r * row) >> 2;
              const end = start + (run >> 2);
              for (let at = start; at < end; at++, weight += 8) {
                const number = f[at];
                c += number * f[weight];
                d += number * f[weight + 1];
                e += number * f[weight + 2];
                g += number * f[weight + 3];
                h += number * f[weight + 4];
                k += number * f[weight + 5];
                m += number * f[weight + 6];
                n += number * f[weight + 7];
              }
            }
            let out = ((y + line * yLine + place * yStep) >> 2) + 8 * group;
            for (const total of [c, d, e, g, h, k, m, n]) f[out++] = activate(total, low, high, swish);
          }
    }

    const depthwise = (size, stride) => (x, w, b, y, lines, width, step, xLine, yLine, low, high, swish) => {
      for (let line = 0; line < lines; line++)
        for (let place = 0; place < width; place++) {
          const corner = (x + line * stride * xLine + place * stride * step) >> 2;
          const out = (y + line * yLine + place * step) >> 2;
          for (let c = 0; c < step / 4; c++) {
            let total = f[b / 4 + c];
            let weight = w / 4 + 4 * size * size * (c >> 2) + (c & 3);
            for (let i = 0; i < size; i++)
              for (let j = 0; j < size; j++, weight += 4)
                total += f[corner + ((i * xLine + j * step) >> 2) + c] * f[weight];
            f[out + c] = activate(total, low, high, swish);
          }
        }
    };

    return {
      dense6: dense,
      dense1: dense,
      depthwise31: depthwise(3, 1),
      depthwise32: depthwise(3, 2),
      depthwise51: depthwise(5, 1),
      depthwise52: depthwise(5, 2),
      pad(x, y, above, below, before, lines, size, yLine) {
        f.fill(0, y / 4, (y + above + lines * yLine + below) / 4);
        for (let line = 0; line < lines; line++)
          f.copyWithin((y + above + line * yLine + before) / 4, (x + line * size) / 4, (x + (line + 1) * size) / 4);
      },
      add(x, z, y, size) {
        for (let i = 0; i < size / 4; i++) f[y / 4 + i] = f[x / 4 + i] + f[z / 4 + i];
      },
      mean(x, y, places, step, share) {
        for (let c = 0; c < step / 4; c++) {
          let total = 0;
          for (let place = 0; place < places; place++) total += f[(x + place * step) / 4 + c];
          f[y / 4 + c] = total * share;
        }
      },
      scale(x, z, y, places, step) {
        for (let i = 0; i < (places * step) / 4; i++) f[y / 4 + i] = f[x / 4 + i] * f[z / 4 + (i % (step / 4))];
      },
      peak(at, times) {
        const [a, b, total] = [0, 16, 32].map((each) => (at + each) >> 2);
        for (let lane = 0; lane < 4; lane++) {
          const [factor, more] = [f[a + lane], f[b + lane]];
          for (let i = total + lane; i < total + 48; i += 24) {
            let [c, d, e, g, h, k] = [0, 4, 8, 12, 16, 20].map((each) => f[i + each]);
            for (let left = times; left > 0; left--) {
              c = c * factor + more;
              d = d * factor + more;
              e = e * factor + more;
              g = g * factor + more;
              h = h * factor + more;
              k = k * factor + more;
            }
            [c, d, e, g, h, k].forEach((each, n) => (f[i + 4 * n] = each));
          }
        }
      },
      copy(x, y, size) {
        f.copyWithin(y / 4, x / 4, (x + size) / 4);
      },
    };
  }

  // ---------------------------------------------------------------- what a call is

  /* How many of a kernel's first arguments are addresses. */
  const ADDRESSES = { dense: 4, depthwise: 4, add: 3, scale: 3, pad: 2, mean: 2, copy: 2, peak: 1 };
  const kind = (name) => name.replace(/\d+$/, "");

  /* The same call, so many bytes further on in memory. */
  function shifted([name, ...args], bytes) {
    return [name, ...args.map((each, i) => (i < ADDRESSES[kind(name)] ? each + bytes : each))];
  }

  /* Where the weights and biases of a call stand, and how many there are: `inputs` for each of
     `outputs`. Null if it has none. */
  function weights([name, , w, b, , ...args]) {
    const [size] = name.match(/\d/) ?? [];
    if (kind(name) === "depthwise") return { w, b, inputs: size * size, outputs: args[2] / 4 };
    if (kind(name) === "dense") return { w, b, inputs: (args[7] * args[9]) / 4, outputs: 8 * args[0] };
    return null;
  }

  /* Multiply-accumulates of a call, those of channels that only fill up to eight included. */
  function macs(call) {
    const [name, ...args] = call;
    if (name === "peak") return 48 * args[1];
    const found = weights(call);
    if (!found) return 0;
    const places = kind(name) === "dense" ? args[5] * args[8] : args[4] * args[5];
    return places * found.inputs * found.outputs;
  }

  /* Bytes that a call cannot avoid to move, each number once: [read from its map or maps, weights
     and biases, written]. */
  function moved(call) {
    const [name, ...args] = call;
    const found = weights(call);
    const own = found ? 4 * found.outputs * (found.inputs + 1) : 0;
    switch (kind(name)) {
      case "dense": {
        const [groups, lines, xLine, , width, xStep, , rows, row] = args.slice(4);
        const read = rows === 1 ? lines * width * xStep : (lines - 1) * xLine + rows * row;
        return [read, own, 32 * groups * lines * width];
      }
      case "depthwise": {
        const [lines, width, step, xLine] = args.slice(4);
        const [size, stride] = name.slice(-2);
        return [((lines - 1) * stride + Number(size)) * xLine, own, lines * width * step];
      }
      case "pad":
        return [args[5] * args[6], 0, args[2] + args[3] + args[5] * args[7]];
      case "add":
        return [2 * args[3], 0, args[3]];
      case "mean":
        return [args[2] * args[3], 0, args[3]];
      case "scale":
        return [(args[3] + 1) * args[4], 0, args[3] * args[4]];
      case "copy":
        return [args[2], 0, args[2]];
      default:
        return [0, 0, 0];
    }
  }
  const bytes = (call) => moved(call).reduce((sum, each) => sum + each);

  // ---------------------------------------------------------------- numbers to time with

  /* Numbers from -1 to 1, the same in each browser. */
  function randomly(seed) {
    return () => {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      return seed / 2 ** 31;
    };
  }

  /* Weights for these calls, scaled after He et al., and a picture at their first address. How
     long a call takes does not depend on them, but for numbers next to zero: those are slow on
     some processors. The biases keep maps away from there, and the gates of squeeze-and-excite,
     which clamp between 0 and 1, open by half. */
  function fill(floats, calls, seed = 1) {
    const random = randomly(seed);
    const write = (at, count, middle, spread) => {
      for (let i = at / 4; i < at / 4 + count; i++) floats[i] = middle + spread * random();
    };
    for (const call of calls) {
      const found = weights(call);
      if (!found) continue;
      const [low, high, swish] = call.slice(-3);
      write(found.w, found.inputs * found.outputs, 0, Math.sqrt(6 / found.inputs));
      write(found.b, found.outputs, low === 0 && high === 1 && !swish ? 0.5 : 0, 0.1);
    }
    const [first] = calls;
    if (first) write(first[1], moved(first)[0] / 4, 0, 1);
  }

  // ---------------------------------------------------------------- the clock

  const now = () => performance.now();

  /* Milliseconds between two times that the clock can tell apart: the least of some steps. */
  function resolution(clock = now) {
    let least = Infinity;
    const end = clock() + 200;
    for (let steps = 0; steps < 20; steps++) {
      const start = clock();
      let next = start;
      while (next === start) next = clock();
      least = Math.min(least, next - start);
      if (next > end) break;
    }
    return least;
  }

  /* The least time that is worth reading from such a clock. Twenty steps: 5 % of what is read.
     Private windows step by 16 or 100 ms; waiting for twenty of those would take minutes. */
  const worth = (step) => Math.max(20, Math.min(20 * step, 350));

  const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
  function median(numbers) {
    const all = sorted(numbers);
    return (all[(all.length - 1) >> 1] + all[all.length >> 1]) / 2;
  }

  /* Time functions that take turns, so that a disturbance hits all of them. In each turn a
     function runs so often that the clock can tell. At most `rounds` turns, and no more than the
     `budget` in milliseconds allows, but `fewest` at least. `heard` is told after each turn.
     Returns, by name: milliseconds of a run in each round, their median, and where the fastest
     and the slowest tenth begin (of fewer than ten: the extremes). */
  function race(jobs, { rounds = 15, fewest = 3, budget = 6000, least = worth(resolution()), clock = now, heard = () => {} } = {}) {
    const names = Object.keys(jobs);
    const started = clock();
    const often = {};

    /* Milliseconds of a run, from so many that the clock can tell. How many, is found out at first,
       and again if they take less than they did: a browser compiles once more what runs often. */
    function turn(name) {
      for (;;) {
        const start = clock();
        for (let i = 0; i < often[name]; i++) jobs[name]();
        const took = clock() - start;
        if (took >= least) return took / often[name];
        const enough = took > least / 20 ? Math.ceil((1.2 * often[name] * least) / took) : Infinity;
        often[name] = Math.max(often[name] + 1, Math.min(enough, 20 * often[name]));
      }
    }

    for (const name of names) {
      often[name] = 1;
      const start = clock();
      jobs[name](); // loads what it needs
      if (clock() - start < 10 * least) turn(name);
    }
    const times = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const left = budget - (clock() - started);
      const each = round ? (clock() - started) / (round + 1) : 0; // the preparation was one more
      if (round >= fewest && left < each) break;
      for (const name of names) {
        times[name].push(turn(name));
        heard(round, rounds, name);
      }
    }
    const summed = names.map((name) => {
      const all = sorted(times[name]);
      const tenth = Math.floor(all.length / 10);
      return [name, { times: times[name], often: often[name], median: median(all), low: all[tenth], high: all[all.length - 1 - tenth] }];
    });
    return Object.fromEntries(summed);
  }

  return { decode, choose, machine, shifted, weights, macs, moved, bytes, fill, resolution, worth, median, race };
};
