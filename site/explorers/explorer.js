/* What all explorers share. Each defines, in explorers[name], pure functions of its data and state:

     start               the state at first: {name: value}
     controls(data, s)   what can be chosen: [{name, kind, label, options | min, max, step, text}]
     view(data, s)       the picture, as HTML
     say(data, s)        the same in a sentence, for those who cannot see the picture
     pick(data, s, x, y) optional: the state after pointing at (x, y) of the picture, each 0 to 1
     settle(data, was, s) optional: the state after a choice, seen the state before
     rest(data)           optional: HTML behind the rest, that stays as it is

   The same functions run while the book is built, so that the page is complete before any script
   runs, and without one. */
"use strict";

globalThis.explorers ??= {};

globalThis.explorers.render = (name, data) => {
  const { start, controls, view, say, rest = () => "" } = globalThis.explorers[name];
  return (
    `<form class="explorer-controls pst-js-only">${controls(data, start).map(control).join("")}</form>` +
    `<div class="explorer-view">${view(data, start)}</div>` +
    `<p class="explorer-say" aria-live="polite">${say(data, start)}</p>${rest(data)}`
  );

  function control(each) {
    const { name: key, kind, label } = each;
    if (kind === "choice") {
      const buttons = each.options.map(
        ([value, text]) =>
          `<label><input type="radio" name="${key}" value="${value}"` +
          `${String(start[key]) === String(value) ? " checked" : ""}><span>${text}</span></label>`,
      );
      return `<fieldset><legend>${label}</legend><div>${buttons.join("")}</div></fieldset>`;
    }
    const step = (by, sign, what) =>
      `<button type="button" data-step="${by}" data-of="${key}" aria-label="${what} ${label.toLowerCase()}">${sign}</button>`;
    const play = each.play ? `<button type="button" data-play="${key}">${each.play}</button>` : "";
    const steps = each.steps ? step(-1, "‹", "previous") + step(1, "›", "next") : "";
    const id = `play-${name}-${key}`;
    return (
      `<div class="explorer-slider"><label for="${id}">${label}</label>` +
      `<output for="${id}" data-for="${key}" aria-live="off">${each.text}</output>` +
      `<input type="range" id="${id}" name="${key}" min="${each.min}" max="${each.max}" step="${each.step}"` +
      ` value="${start[key]}" aria-valuetext="${each.text}"></div>${steps}${play}`
    );
  }
};

globalThis.explorers.run = (root) => {
  const { name } = root.dataset;
  const data = JSON.parse(root.querySelector("script").textContent);
  const { start, controls, view, say, pick, settle } = globalThis.explorers[name];
  const [form, picture, sentence] = root.querySelectorAll("form, .explorer-view, .explorer-say");
  let state = { ...start };
  let waiting = 0;
  let playing = false;

  /* Numbers come out of the form as text; a choice stays text. */
  function read() {
    const was = { ...state };
    for (const input of form.elements) {
      if (input.type === "range") state[input.name] = Number(input.value);
      else if (input.type === "radio" && input.checked) state[input.name] = input.value;
    }
    if (settle) state = settle(data, was, state);
  }

  function show() {
    for (const { name: key, kind, min, max } of controls(data, state)) {
      if (kind === "choice") {
        for (const each of form.elements[key]) each.checked = each.value === String(state[key]);
      } else {
        state[key] = Math.min(max, Math.max(min, state[key]));
        Object.assign(form.elements[key], { min, max, value: state[key] });
      }
    }
    for (const { name: key, kind, text } of controls(data, state)) {
      if (kind === "choice") continue;
      form.elements[key].setAttribute("aria-valuetext", text);
      form.querySelector(`[data-for="${key}"]`).textContent = text;
    }
    picture.innerHTML = view(data, state);
    clearTimeout(waiting); // a slider that moves fast should not be read out at each step
    const pause = playing ? 400 : 150;
    waiting = setTimeout(() => (sentence.innerHTML = say(data, state)), pause);
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
