/* Render an explorer while the book is built: node prerender.js <name> <scripts…> < data.json */
"use strict";
const fs = require("fs");
const [name, ...scripts] = process.argv.slice(2);
scripts.forEach((each) => require(each));
process.stdout.write(globalThis.explorers.render(name, JSON.parse(fs.readFileSync(0, "utf8"))));
