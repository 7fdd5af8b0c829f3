/* What is measured, in which order: the ceilings, V1's layers, the networks, the first ceiling once
   more. Runs in a worker, and in Node. Like the runtime it uses nothing from outside.

     runtime   what explorers.runtime() gives
     data      {kernels, layers, networks} of data.py
     pace      {rounds, budget, least, engine}, each of them optional, for tests
     heard     is told which part of the work is done, from 0 to 1 */
"use strict";

globalThis.explorers.session = (runtime, { kernels, layers, networks }, pace = {}, heard = () => {}) => {
  const { machine, shifted, fill, race, resolution, worth, median } = runtime;
  const started = performance.now();
  const clock = resolution();
  const least = pace.least ?? worth(clock);

  const SMALL = 200e3; // bytes to copy, in the caches
  const LARGE = 16e6; // and in main memory, or in a cache that all cores share
  const TIMES = 20000; // turns of the kernel `peak`, with 48 MACs each
  const FIRST = 1024; // the address of what is copied: before it stand the numbers of `peak`

  const total = (programs) => programs.reduce((sum, each) => sum + each.bytes, 0);
  const it = machine(kernels, Math.max(FIRST + 2 * LARGE, total(layers), total(networks)), pace.engine);

  /* How many turns each part takes at most, and how long. A slow device takes fewer. */
  const PARTS = [
    ["ceilings", 3, 9, 3000],
    ["layers", layers.length, 9, 7000],
    ["networks", networks.length, 15, 9000],
    ["again", 1, 5, 1000],
  ];
  const turns = PARTS.reduce((sum, [, jobs, rounds]) => sum + jobs * rounds, 0);
  let done = 0;

  function timed(part, jobs) {
    const [, count, most, budget] = PARTS.find(([name]) => name === part);
    let turn = 0;
    const found = race(jobs, {
      rounds: pace.rounds ?? most,
      fewest: it.engine === "script" ? 1 : 3, // plain JavaScript would take minutes on a phone
      budget: pace.budget ?? budget,
      least,
      heard: (round, rounds) => heard((done + (most * ++turn) / rounds) / turns),
    });
    heard((done += count * most) / turns);
    return found;
  }

  /* Programs one behind the other in memory, so that none computes with what another left. */
  function jobsOf(programs) {
    let at = 0;
    const jobs = programs.map((each, i) => {
      const calls = each.calls.map((call) => shifted(call, at));
      at += each.bytes;
      fill(it.floats, calls);
      return [each.name ?? i, () => it.run(calls)];
    });
    return Object.fromEntries(jobs);
  }

  const plain = (number) => Number(number.toPrecision(4));
  const spread = ({ median: middle, low, high }) => [middle, low, high].map(plain);

  // Numbers with which `peak` stays far from infinity. And memory that was never written is one empty
  // page, everywhere: to copy that would be too easy.
  it.floats.fill(0.5, 0, (FIRST + 2 * LARGE) / 4);
  const peak = () => it.kernels.peak(0, TIMES);
  const copied = (size) => () => it.kernels.copy(FIRST, FIRST + size, size);
  const ceilings = timed("ceilings", { peak, cache: copied(SMALL), memory: copied(LARGE) });

  const byLayer = timed("layers", jobsOf(layers));
  const places = {};
  layers.forEach(({ side, kind }, i) => ((places[side] ??= {})[kind] = spread(byLayer[i])));

  const byNetwork = timed("networks", jobsOf(networks));

  /* Of the networks: the last third of the rounds over the first third. */
  const drifts = Object.values(byNetwork).map(({ times }) => {
    const third = Math.ceil(times.length / 3);
    return median(times.slice(-third)) / median(times.slice(0, third));
  });

  it.floats.fill(0.5, 0, FIRST / 4);
  const again = timed("again", { peak });
  const speed = ({ low }) => plain((48 * TIMES) / low / 1e6);
  return {
    engine: it.engine,
    clock: plain(clock),
    seconds: plain((performance.now() - started) / 1000),
    peak: [speed(ceilings.peak), speed(again.peak)],
    cache: plain((2 * SMALL) / ceilings.cache.low / 1e6),
    memory: plain((2 * LARGE) / ceilings.memory.low / 1e6),
    layers: places,
    networks: Object.fromEntries(networks.map(({ name }) => [name, spread(byNetwork[name])])),
    drift: plain(median(drifts)),
  };
};
