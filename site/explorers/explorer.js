/* What all explorers share. Each defines, in explorers[name], pure functions of its data and state:

     start               the state at first: {name: value}
     controls(data, s)   what can be chosen: [{name, kind, label, options | min, max, step, text}];
                         one of the kind "again" is a button that counts how often it was pressed,
                         "action" a button that calls `act`, "file" one that hands files to it,
                         "text" a line of `max` letters, "progress" a bar from 0 to 1. All but
                         "again" may be `hidden`. An option is [value, text], and as a third true
                         if it cannot be chosen yet
     view(data, s)       the picture, as HTML; or a list of sections, [heading, names of the
                         controls in it, HTML]: then only a section that changed is written anew
     say(data, s)        the same in a sentence, for those who cannot see the picture
     pick(data, s, x, y) optional: the state after pointing at (x, y) of the picture, each 0 to 1
     touch(data, s, what, x, y) optional: the state after a click at (x, y) of the element whose
                         `data-touch` is `what`
     settle(data, was, s) optional: the state after a choice, seen the state before
     act(name, data, s, change, files) optional: what the button `name` does, now or later; each
                         change({name: value}) goes into the state, and is shown
     begin(data, root, change) optional: called once, when the page is ready
     watch(data, s, change) optional: called when something was shown
     rest(data)           optional: HTML behind the rest, that stays as it is

   The same functions run while the book is built, so that the page is complete before any script
   runs, and without one. */
"use strict";

globalThis.explorers ??= {};

/* A network's mark, as in the figures, around (x, y). */
globalThis.explorers.marks = {
  "V1": (x, y, r) => `<path d="M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}"/>`,
  "V2": (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  "V3-Large": (x, y, r) => `<path d="M${x} ${y - 1.3 * r}l${1.2 * r} ${2.2 * r}h${-2.4 * r}z"/>`,
  "V3-Small": (x, y, r) => `<path d="M${x} ${y + 1.3 * r}l${1.2 * r} ${-2.2 * r}h${-2.4 * r}z"/>`,
  "V4": (x, y, r) => `<path d="M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z"/>`,
};

/* The class that gives a network its colour. */
globalThis.explorers.classOf = (network) => `net-${network.slice(0, 2).toLowerCase()}`;

/* A network's mark in its colour, to stand before its name. */
globalThis.explorers.key = (network) =>
  `<svg viewBox="0 0 12 12" class="${globalThis.explorers.classOf(network)}" aria-hidden="true">${globalThis.explorers.marks[network](6, 6, 3.4)}</svg>`;

globalThis.explorers.render = (name, data) => {
  const { start, controls, view, say, rest = () => "" } = globalThis.explorers[name];
  const all = controls(data, start);
  const drawn = view(data, start);
  const sentence = `<p class="explorer-say" aria-live="polite">${say(data, start)}</p>`;
  if (typeof drawn === "string")
    return (
      `<form class="explorer-controls pst-js-only">${all.map(control).join("")}</form>` +
      `<div class="explorer-view">${drawn}</div>${sentence}${rest(data)}`
    );
  const sections = drawn.map(([heading, names, html], i) => {
    const own = all.filter((each) => names.includes(each.name)).map(control);
    return (
      (heading ? `<h3 class="explorer-heading">${heading}</h3>` : "") +
      `<div class="explorer-controls pst-js-only">${own.join("")}</div>${i ? "" : sentence}<div class="explorer-view">${html}</div>`
    );
  });
  return `<form class="explorer-sections">${sections.join("")}</form>${rest(data)}`;

  function control(each) {
    const { name: key, kind, label } = each;
    const hidden = each.hidden ? " hidden" : "";
    if (kind === "choice") {
      const buttons = each.options.map(
        ([value, text, disabled]) =>
          `<label><input type="radio" name="${key}" value="${value}"` +
          `${String(start[key]) === String(value) ? " checked" : ""}${disabled ? " disabled" : ""}><span>${text}</span></label>`,
      );
      return `<fieldset${hidden}><legend>${label}</legend><div>${buttons.join("")}</div></fieldset>`;
    }
    if (kind === "again") return `<button type="button" data-again="${key}">${label}</button>`;
    if (kind === "action") return `<button type="button" data-act="${key}"${hidden}>${label}</button>`;
    if (kind === "file")
      return `<label class="explorer-file"${hidden}><input type="file" accept="image/*" data-file="${key}"><span>${label}</span></label>`;
    if (kind === "text")
      return `<label class="explorer-text"${hidden}>${label}<input type="text" name="${key}" maxlength="${each.max}" autocomplete="off"></label>`;
    if (kind === "progress")
      return `<label class="explorer-progress"${hidden}>${label}<progress data-progress="${key}" max="1" value="0"></progress></label>`;
    const step = (by, sign, what) =>
      `<button type="button" data-step="${by}" data-of="${key}" aria-label="${what} ${label.toLowerCase()}">${sign}</button>`;
    const play = each.play ? `<button type="button" data-play="${key}">${each.play}</button>` : "";
    const steps = each.steps ? step(-1, "‹", "previous") + step(1, "›", "next") : "";
    const id = `play-${name}-${key}`;
    return (
      `<div class="explorer-slider"${hidden}><label for="${id}">${label}</label>` +
      `<output for="${id}" data-for="${key}" aria-live="off">${each.text}</output>` +
      `<input type="range" id="${id}" name="${key}" min="${each.min}" max="${each.max}" step="${each.step}"` +
      ` value="${start[key]}" aria-valuetext="${each.text}"></div>` +
      (steps || play ? `<div class="explorer-steps"${hidden}>${steps}${play}</div>` : "")
    );
  }
};

globalThis.explorers.run = (root) => {
  const { name } = root.dataset;
  const data = JSON.parse(root.querySelector("script").textContent);
  const { start, controls, view, say, pick, touch, settle, act, begin, watch } = globalThis.explorers[name];
  const [form, sentence] = ["form", ".explorer-say"].map((each) => root.querySelector(each));
  const pictures = [...root.querySelectorAll(".explorer-view")];
  const [picture] = pictures;
  let state = { ...start };
  let waiting = 0;
  let playing = false;
  const shown = []; // what stays as it is, is not written anew: it would fold up, or be read out
  let said = "";

  /* Numbers come out of the form as text; a choice stays text. */
  function read() {
    const was = { ...state };
    for (const input of form.elements) {
      if (input.type === "range") state[input.name] = Number(input.value);
      else if (input.type === "radio" && input.checked) state[input.name] = input.value;
      else if (input.type === "text") state[input.name] = input.value;
    }
    if (settle) state = settle(data, was, state);
  }

  function show() {
    for (const { name: key, kind, label, min, max, options, hidden } of controls(data, state)) {
      if (kind === "choice") {
        for (const each of form.elements[key]) each.checked = each.value === String(state[key]);
        for (const [i, [, , disabled]] of options.entries()) form.elements[key][i].disabled = Boolean(disabled);
        form.elements[key][0].closest("fieldset").hidden = Boolean(hidden);
      } else if (kind === "range") {
        state[key] = Math.min(max, Math.max(min, state[key]));
        Object.assign(form.elements[key], { min, max, value: state[key] });
        form.elements[key].parentElement.hidden = Boolean(hidden);
        const next = form.elements[key].parentElement.nextElementSibling;
        if (next?.matches(".explorer-steps")) next.hidden = Boolean(hidden);
      } else if (kind === "action") {
        Object.assign(form.querySelector(`[data-act="${key}"]`), { textContent: label, hidden: Boolean(hidden) });
      } else if (kind === "file") {
        form.querySelector(`[data-file="${key}"]`).parentElement.hidden = Boolean(hidden);
      } else if (kind === "text") {
        form.elements[key].parentElement.hidden = Boolean(hidden);
      } else if (kind === "progress") {
        const bar = form.querySelector(`[data-progress="${key}"]`);
        bar.value = state[key];
        bar.parentElement.hidden = Boolean(hidden);
      }
    }
    for (const { name: key, kind, text } of controls(data, state)) {
      if (kind !== "range") continue;
      form.elements[key].setAttribute("aria-valuetext", text);
      form.querySelector(`[data-for="${key}"]`).textContent = text;
    }
    const drawn = view(data, state);
    const sections = typeof drawn === "string" ? [drawn] : drawn.map(([, , html]) => html);
    for (const [i, html] of sections.entries()) if (html !== shown[i]) pictures[i].innerHTML = shown[i] = html;
    watch?.(data, state, change);
    const words = say(data, state);
    if (words === said) return;
    said = words;
    clearTimeout(waiting); // a slider that moves fast should not be read out at each step
    const pause = playing ? 400 : 150;
    waiting = setTimeout(() => (sentence.innerHTML = words), pause);
  }

  function change(news) {
    state = { ...state, ...news };
    show();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => (read(), show()));

  for (const button of form.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => {
      form.elements[button.dataset.of].stepUp(Number(button.dataset.step));
      read();
      show();
    });
  }

  for (const button of form.querySelectorAll("[data-again]")) {
    button.addEventListener("click", () => {
      state[button.dataset.again] += 1;
      show();
    });
  }

  for (const button of form.querySelectorAll("[data-act]"))
    button.addEventListener("click", () => act(button.dataset.act, data, state, change));

  for (const input of form.querySelectorAll("[data-file]")) {
    input.addEventListener("change", () => {
      act(input.dataset.file, data, state, change, [...input.files]);
      input.value = ""; // the same file may be chosen again
    });
  }

  if (touch) {
    root.addEventListener("click", (event) => {
      const target = event.target.closest("[data-touch]");
      if (!target) return;
      const box = target.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      change(touch(data, state, target.dataset.touch, x, y));
    });
  }

  for (const button of form.querySelectorAll("[data-play]")) {
    const slider = form.elements[button.dataset.play];
    const text = button.textContent;
    let timer = 0;
    const stop = () => {
      timer = clearInterval(timer);
      playing = false;
      button.textContent = text;
    };
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (slider.value === slider.max) slider.value = slider.min;
      button.textContent = "Stop";
      playing = true;
      timer = setInterval(() => {
        slider.stepUp();
        read();
        show();
        if (slider.value === slider.max) stop();
      }, 250);
    });
    form.addEventListener("input", stop);
  }

  if (pick) {
    let chosen = null; // what a click or the slider has chosen; a mouse that only passes lets go
    const point = (event) => {
      if (!event.target.closest("svg[role=img]")) return;
      const box = picture.querySelector("svg").getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      const y = (event.clientY - box.top) / box.height;
      if (event.type === "click") chosen = null;
      else chosen ??= state;
      state = { ...state, ...pick(data, state, x, y) };
      show();
    };
    const letGo = () => {
      if (chosen) state = chosen;
      chosen = null;
      show();
    };
    picture.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
    picture.addEventListener("pointerleave", letGo);
    picture.addEventListener("click", point);
  }
  begin?.(data, root, change);
  read(); // a browser that comes back to a page fills forms in again
  if (JSON.stringify(state) !== JSON.stringify(start)) show(); // else the page shows it already
  root.dataset.ready = "";
};

if (globalThis.document) {
  document.addEventListener("DOMContentLoaded", () => {
    for (const root of document.querySelectorAll(".explorer"))
      if (globalThis.explorers[root.dataset.name]) globalThis.explorers.run(root); // has it arrived?
  });
}
