/* Between a reader's picture and the numbers that the network gets.

     const picture = await intake.open(file);      // or throws intake.Refused, with a sentence
     const square = intake.crop(picture, { zoom: 1, across: 0.5, down: 0.5 });
     const numbers = intake.pixels(picture, square); // 224 × 224 × 3, from 0 to 1
     picture.close();

   Nothing is stored and nothing is sent: a picture has an address data: or blob:, or none at all.
   A sentence quotes the file's name as it is: who shows it as HTML has to escape it. */
"use strict";

globalThis.explorers ??= {};

globalThis.explorers.intake = (() => {
  const SIDE = 224; // pixels that the network sees, across and down
  const LEAST = 32; // pixels that a picture has at least on a side
  const MOST = 50e6; // and at most in all: decoded, these take 200 MB
  const LARGE = 2048; // pixels of a shorter side from which on a picture is halved
  const STRIP = 256; // rows that are read from a picture at a time
  const FORMATS = "JPEG, PNG, WebP and GIF";

  /* Why a picture is not taken, as a sentence for the reader. */
  class Refused extends Error {
    name = "Refused";
  }

  const quoted = (name) => (name ? `“${name}”` : "This file");
  const sized = (width, height) => [width, height].map((each) => each.toLocaleString("en")).join("×");

  // ---------------------------------------------------------------- the filter

  /* A cubic that is 1 at 0, and 0 at each other whole number and from 2 on, by Keys (1981), with his
     a = −0.5. */
  function cubic(x) {
    const far = Math.abs(x);
    if (far >= 2) return 0;
    return far < 1 ? (1.5 * far - 2.5) * far * far + 1 : ((-0.5 * far + 2.5) * far - 4) * far + 2;
  }

  /* For each of `to` pixels of a line: the first of the `side` pixels that it is made of, and their
     weights, which add up to 1. A line that shrinks has a curve as wide as its pixels become, so
     that none is left out: this is what "antialias" means in PyTorch. */
  function taps(side, to) {
    const scale = side / to;
    const wide = Math.max(1, scale);
    return Array.from({ length: to }, (_, i) => {
      const middle = scale * (i + 0.5);
      const first = Math.max(0, Math.trunc(middle - 2 * wide + 0.5));
      const end = Math.min(side, Math.trunc(middle + 2 * wide + 0.5));
      const weights = Float64Array.from({ length: end - first }, (_, k) => cubic((first + k + 0.5 - middle) / wide));
      const total = weights.reduce((sum, each) => sum + each, 0);
      return { first, weights: weights.map((each) => each / total) };
    });
  }

  /* One row of RGBA, `start` numbers into `rgba`: each pixel's RGB as the taps say, from 0 to 255,
     written into `out` from the place `at` on. */
  function across(rgba, start, columns, out, at) {
    for (const { first, weights } of columns) {
      let [red, green, blue] = [0, 0, 0];
      let from = start + 4 * first;
      for (let k = 0; k < weights.length; k++, from += 4) {
        red += weights[k] * rgba[from];
        green += weights[k] * rgba[from + 1];
        blue += weights[k] * rgba[from + 2];
      }
      out[at++] = red;
      out[at++] = green;
      out[at++] = blue;
    }
  }

  /* The rows, each already `to` pixels wide: down to `to` rows, from 0 to 1. The cubic is below 0 in
     places, so that beside an edge a sum may lie beyond both. */
  function down(lines, taps, to) {
    const found = new Float32Array(to * to * 3);
    const row = new Float64Array(to * 3);
    taps.forEach(({ first, weights }, i) => {
      row.fill(0);
      weights.forEach((weight, k) => {
        const start = (first + k) * row.length;
        for (let j = 0; j < row.length; j++) row[j] += weight * lines[start + j];
      });
      for (let j = 0; j < row.length; j++) found[i * row.length + j] = Math.min(1, Math.max(0, row[j] / 255));
    });
    return found;
  }

  /* A square that arrives in strips of RGBA rows, from the top: PyTorch's
     F.interpolate(x, (to, to), mode="bicubic", antialias=True).clamp(0, 1). Only what is left of a
     row is kept. */
  function strips(side, to) {
    const both = taps(side, to); // a square: across as down
    const lines = new Float32Array(side * to * 3);
    let at = 0;
    return {
      add(rgba, rows) {
        for (let row = 0; row < rows; row++, at += 3 * to) across(rgba, 4 * side * row, both, lines, at);
      },
      end: () => down(lines, both, to),
    };
  }

  /* A square of RGBA bytes, `side` pixels a side, row by row -> Float32Array(to × to × 3): RGB of a
     place side by side, from 0 to 1. What is transparent counts as if it were not. */
  function resized(rgba, side, to = SIDE) {
    const square = strips(side, to);
    square.add(rgba, side);
    return square.end();
  }

  // ---------------------------------------------------------------- from a picture to numbers

  /* The square, in the picture's pixels, each a whole number: {x, y, edge}. Zoom 1 is the largest
     one; across and down, from 0 to 1, move it. The middle is rounded down, as in the notebook. */
  function crop({ width, height }, { zoom = 1, across = 0.5, down = 0.5 } = {}) {
    const within = (share, most) => Math.floor(Math.min(1, Math.max(0, share)) * most);
    const edge = Math.max(1, Math.round(Math.min(width, height) / Math.max(1, zoom)));
    return { x: within(across, width - edge), y: within(down, height - edge), edge };
  }

  /* A canvas that is read back: the browser keeps it where reading is quick. */
  function blank(width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    return canvas.getContext("2d", { willReadFrequently: true });
  }

  /* The square as the network gets it: Float32Array(side × side × 3), from 0 to 1. It is read pixel
     by pixel, a few rows at a time, and made smaller by our own filter: so memory stays small, and
     the numbers are the same in each browser. A canvas that makes a picture smaller leaves most
     pixels out, in Firefox and in WebKit, even with imageSmoothingQuality "high". */
  function pixels(picture, { x, y, edge }, side = SIDE) {
    const square = strips(edge, side);
    const context = blank(edge, Math.min(STRIP, edge));
    for (let top = 0; top < edge; top += STRIP) {
      const rows = Math.min(STRIP, edge - top);
      picture.draw(context, x, y + top, edge, rows, edge);
      square.add(context.getImageData(0, 0, edge, rows).data, rows);
    }
    return square.end();
  }

  /* What the network gets, the numbers of `pixels`, as a picture to show: a data: URI of a JPEG. */
  function thumbnail(numbers, side = SIDE) {
    const context = blank(side, side);
    const image = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * numbers[3 * i + c]; // is rounded
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return context.canvas.toDataURL("image/jpeg", 0.9);
  }

  // ---------------------------------------------------------------- opening

  /* An ImageBitmap or a canvas as a picture. */
  function pictureOf(source, name) {
    let open = true;
    return {
      width: source.width,
      height: source.height,
      name,
      note: "", // what the reader should be told although the picture was taken

      /* The rectangle of w × h pixels at (x, y), on white, in the canvas' corner: `side` wide, and as
         high as it is then. */
      draw(context, x, y, w, h, side) {
        if (!open) throw new Error("This picture was closed.");
        const high = (side * h) / w;
        context.fillStyle = "#fff";
        context.fillRect(0, 0, side, high);
        context.imageSmoothingQuality = "high";
        context.drawImage(source, x, y, w, h, 0, 0, side, high);
      },

      close() {
        open = false;
        if (source.close) source.close();
        else source.width = source.height = 0; // lets a canvas' memory go
      },
    };
  }

  function checkSize(width, height, name) {
    const has = `${quoted(name)} has ${sized(width, height)} pixels`;
    if (Math.min(width, height) < LEAST) throw new Refused(`${has}; at least ${LEAST} a side are needed.`);
    const millions = (count) => Math.round(count / 1e6).toLocaleString("en");
    if (width * height > MOST)
      throw new Refused(`${has}, ${millions(width * height)} million in all; at most ${millions(MOST)} million are taken. Make it smaller, or cut a part out.`);
  }

  /* An <img> that has read the head of what is at an address data: or blob:, and so knows its size.
     It decodes the rest when it is drawn: in Chromium and in Firefox a picture of 12,000×9,000 pixels
     takes hardly any memory until then. It stands upright by its EXIF, as each <img>. */
  function loaded(address, signal) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      const abort = () => {
        image.removeAttribute("src");
        reject(signal.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const end = (done) => () => {
        signal?.removeEventListener("abort", abort);
        done(image);
      };
      image.onload = end(resolve);
      image.onerror = end(reject);
      image.src = address;
    });
  }

  /* What a file is that a browser may not read, by its first bytes; "" if we do not know. */
  function formatOf(head) {
    const text = String.fromCharCode(...head);
    if (text.slice(4, 8) === "ftyp") return /avi[fs]/.test(text) ? "AVIF" : /hei[cxms]|hev[cx]|mif1/.test(text) ? "HEIC" : "";
    if (text.startsWith("%PDF")) return "PDF";
    return /^(II\*\0|MM\0\*)/.test(text) ? "TIFF" : "";
  }

  function unreadable(name, head) {
    const format = formatOf(head);
    const what = format ? `is in ${format}, which this browser cannot read` : "is not a picture that this browser can read";
    return new Refused(`${quoted(name)} ${what}. Save it as JPEG or PNG: ${FORMATS} can be read in every browser.`);
  }

  /* The first bytes of a file. A folder that was dropped looks like one, but cannot be read. */
  async function headOf(file) {
    if (file.size === 0) throw new Refused(`${quoted(file.name)} is empty. Choose another file.`);
    try {
      return new Uint8Array(await file.slice(0, 64).arrayBuffer());
    } catch {
      throw new Refused(`${quoted(file.name)} could not be read. If it is a folder, choose a picture in it.`);
    }
  }

  /* Browsers draw an SVG that has no size at one of their own, and not at the same. */
  async function checkDrawing(file) {
    if (!file.type.startsWith("image/svg")) return;
    const root = new DOMParser().parseFromString(await file.text(), "image/svg+xml").documentElement;
    const says = (side) => /^\s*[\d.]/.test(root.getAttribute(side)) && !root.getAttribute(side).includes("%");
    if (!says("width") || !says("height"))
      throw new Refused(`${quoted(file.name)} is an SVG without a size. Give its <svg> a width and a height in pixels, or save it as PNG.`);
  }

  /* Can the page read what it draws? Browsers that protect against tracking may hand out other
     pixels than those of a canvas: a little noise does no harm, but these answers are noise alone. */
  function checkReading() {
    const context = blank(16, 16);
    context.fillStyle = "rgb(50, 100, 200)";
    context.fillRect(0, 0, 16, 16);
    const { data } = context.getImageData(0, 0, 16, 16);
    if (data.some((each, i) => Math.abs(each - [50, 100, 200, 255][i % 4]) > 8))
      throw new Refused("This browser does not let a page read pictures: it hands out noise in their place, against tracking. Allow this page to read a canvas, or use another browser.");
  }

  /* The whole image, decoded and upright. (WebKit knows where the parts of a photograph are that its
     EXIF turns only when it is drawn as a whole: so no part is drawn of the <img>.) An image
     that was cut off is damaged for Chromium and WebKit; Firefox decodes what there is, and white
     behind it. */
  async function decoded(image, name) {
    const damaged = new Refused(`${quoted(name)} could not be decoded. It may be damaged, or too large for this device.`);
    let bitmap;
    try {
      // Not by image.decode(): Chromium keeps for long what that decodes, 4 bytes for each pixel.
      bitmap = await createImageBitmap(image);
    } catch {
      throw damaged;
    }
    const context = blank(64, 64);
    context.drawImage(bitmap, 0, 0, 64, 64);
    if (alphas(context, name).some((each) => each > 0)) return bitmap;
    bitmap.close();
    throw damaged;
  }

  /* A large photograph is halved, four pixels to one, until its shorter side is less than LARGE:
     to move and to zoom then takes a tenth of the time, and of the memory. */
  function halved(bitmap) {
    let image = bitmap;
    while (Math.min(image.width, image.height) >= LARGE) {
      const context = blank(image.width >> 1, image.height >> 1);
      context.drawImage(image, 0, 0, context.canvas.width, context.canvas.height);
      if (image.close) image.close();
      else image.width = image.height = 0;
      image = context.canvas;
    }
    return image;
  }

  function alphas(context, name) {
    try {
      const { width, height } = context.canvas;
      return context.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 3);
    } catch {
      throw new Refused(`${quoted(name)} holds parts that a page may not read. Save it as PNG first.`);
    }
  }

  async function fromImage(address, name, failed, check, signal) {
    const image = await loaded(address, signal).catch((error) => {
      signal?.throwIfAborted();
      throw failed(error);
    });
    await check();
    checkSize(image.naturalWidth, image.naturalHeight, name);
    const bitmap = await decoded(image, name);
    if (signal?.aborted) bitmap.close();
    signal?.throwIfAborted();
    return pictureOf(halved(bitmap), name);
  }

  async function fromFile(file, signal) {
    const head = await headOf(file);
    signal?.throwIfAborted();
    const address = URL.createObjectURL(file);
    try {
      return await fromImage(address, file.name ?? "", () => unreadable(file.name, head), () => checkDrawing(file), signal);
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /* What a video shows now. */
  function fromVideo(video) {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width || video.readyState < 2) throw new Refused("The camera has not sent a picture yet. Wait a moment, and try again.");
    checkSize(width, height, "camera");
    const context = blank(width, height);
    context.drawImage(video, 0, 0);
    return pictureOf(context.canvas, "");
  }

  function fromList(files) {
    if (files.length === 0) throw new Refused(`There was no file in that. Drop or paste a picture, or choose a file: ${FORMATS} can be read in every browser.`);
    return files[0];
  }

  /* A picture of a File or Blob, of a list of them, of an address data:, or of what a <video> shows.
     Throws Refused, or the signal's reason.

     An animation is still: drawImage takes its first frame, or the one that its format has for
     where animation is not supported (HTML Standard, "The image bitmap drawing"). Colours are those
     that the browser shows: it converts CMYK, and applies a colour profile. */
  async function open(source, signal) {
    signal?.throwIfAborted();
    checkReading();
    if (globalThis.HTMLVideoElement && source instanceof HTMLVideoElement) return fromVideo(source);
    if (typeof source === "string") {
      if (!source.startsWith("data:")) throw new TypeError("Nothing is fetched: an address must begin with data:");
      return fromImage(source, "", () => unreadable("", []), async () => {}, signal);
    }
    if (source instanceof Blob) return fromFile(source, signal);
    const files = [...source];
    const picture = await fromFile(fromList(files), signal);
    if (files.length > 1) picture.note = `These were ${files.length} files: ${quoted(picture.name)}, the first, was taken.`;
    return picture;
  }

  // ---------------------------------------------------------------- the camera

  const OTHERWISE = "You can choose a file instead.";
  const WHY = {
    NotAllowedError: "The camera was not allowed. Allow it for this page in your browser's settings, and try again.",
    SecurityError: "The camera is switched off for this page, by the browser or by who looks after it.",
    NotFoundError: "No camera was found on this device.",
    NotReadableError: "The camera cannot be used now: another program may have it.",
    AbortError: "The camera was closed before it showed a picture.",
    insecure: "A browser gives the camera only to pages whose address begins with https.",
    unknown: "The camera did not start.",
  };
  const noCamera = (name) => new Refused(`${WHY[name] ?? WHY.unknown} ${OTHERWISE}`);

  /* A <video> that shows a stream, once it has a first picture. It need not stand on the page. */
  async function shown(stream) {
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: stream });
    await video.play();
    if (!video.videoWidth) await new Promise((next) => video.addEventListener("resize", next, { once: true }));
    return video;
  }

  /* The camera: {available, start() -> Promise<video>, stop()}. It is also stopped when the page is
     hidden, and when it cannot start; `ended` is called whenever it has stopped by itself. */
  function camera(ended = () => {}) {
    let turn = 0; // a start that another start, or a stop, has overtaken shows nothing
    let end = () => {};
    const available = Boolean(navigator.mediaDevices?.getUserMedia); // only a secure page has them

    function stop() {
      turn += 1;
      end();
      document.removeEventListener("visibilitychange", hide);
    }

    function hide() {
      if (!document.hidden) return;
      stop();
      ended();
    }

    function keep(stream) {
      end = () => stream.getTracks().forEach((each) => each.stop());
      for (const each of stream.getTracks())
        each.addEventListener("ended", () => (stop(), ended())); // pulled out: stop() has no event
    }

    async function start() {
      stop();
      if (!available) throw noCamera(globalThis.isSecureContext ? "NotFoundError" : "insecure");
      const own = turn;
      document.addEventListener("visibilitychange", hide);
      try {
        // "environment" is a wish: a laptop's only camera faces its reader.
        const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
        if (own !== turn) {
          stream.getTracks().forEach((each) => each.stop());
          throw new DOMException("", "AbortError");
        }
        keep(stream);
        const video = await shown(stream);
        if (own !== turn) throw new DOMException("", "AbortError");
        return video;
      } catch (error) {
        if (own === turn) stop();
        throw noCamera(error.name);
      }
    }

    return { available, start, stop };
  }

  // ---------------------------------------------------------------- dropped and pasted

  const TYPED = ["text", "search", "url", "email", "tel", "password", "number"];

  /* Does what is pasted belong into this element? */
  const isTyping = (element) => Boolean(element?.isContentEditable || element?.matches("textarea") || TYPED.includes(element?.type));

  /* `arrive(files)` for what is dropped on `root`, on which a class says that something hovers over
     it, and for each image that is pasted anywhere but into a text field. Other things that are
     dropped or pasted are the browser's own. Returns a function that ends it. */
  function listen(root, arrive) {
    const leave = () => root.classList.remove("is-over");
    const holdsFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
    const handlers = {
      dragover(event) {
        if (!holdsFiles(event)) return;
        event.preventDefault(); // or the browser would leave the page, for the picture
        event.dataTransfer.dropEffect = "copy";
        root.classList.add("is-over");
      },
      dragleave(event) {
        if (!root.contains(event.relatedTarget)) leave(); // else only on to another part of root
      },
      drop(event) {
        leave();
        if (!holdsFiles(event)) return;
        event.preventDefault();
        arrive([...event.dataTransfer.files]);
      },
    };
    const paste = (event) => {
      const files = [...(event.clipboardData?.files ?? [])].filter((each) => each.type.startsWith("image/"));
      if (files.length === 0 || isTyping(document.activeElement)) return;
      event.preventDefault();
      arrive(files);
    };
    handlers.dragenter = handlers.dragover; // both say that a drop is welcome
    for (const [name, handler] of Object.entries(handlers)) root.addEventListener(name, handler);
    document.addEventListener("paste", paste);
    return () => {
      leave();
      for (const [name, handler] of Object.entries(handlers)) root.removeEventListener(name, handler);
      document.removeEventListener("paste", paste);
    };
  }

  return { Refused, open, crop, pixels, resized, thumbnail, camera, listen };
})();
