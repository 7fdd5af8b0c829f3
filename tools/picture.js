/* What the scripts of the explorer `picture` see of a picture: node picture.js <pixels> <scripts…>
   < changes.json; the scripts are the explorer's and the pieces that a press loads. */
"use strict";

const fs = require("fs");

const [numbers, ...scripts] = process.argv.slice(2);
scripts.forEach((each) => require(each));
const { parcel, runtime, eye, opened } = globalThis.explorers;
const { buffer, byteOffset, length } = fs.readFileSync(numbers);
const pixels = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
const it = eye(runtime(), { ...parcel.network, engine: "SIMD" }, ...opened(parcel));

const start = { unit: 0, part: "filtered", channel: null, at: null, change: { kind: "none" }, name: 0, sheet: false };
const look = (ask) => it.look(null, { ...start, ...ask });
it.look(pixels, start);
const units = it.units.map(({ parts }, unit) => parts.map(({ name }) => look({ unit, part: name })));
const whys = [0, 1, 2, 3, 4].map((name) => look({ name }).why);
const switches = {};
for (const [key, change] of Object.entries(JSON.parse(fs.readFileSync(0, "utf8")))) {
  const { top, now } = look({ change });
  switches[key] = { top, now };
}
const plain = (key, each) => (each instanceof Uint8Array ? Array.from(each) : each);
console.log(JSON.stringify({ units, whys, switches }, plain));
