"use strict";
// The viewer: two pictures of one moment under a divider, or one of them, or their amplified difference, at one place;
// or the frames of a part of them, played in step.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const viewer = $("viewer"), stage = $("stage"), box = $("box"), divider = $("divider"), canvas = $("difference");
  const snapshots = [...box.querySelectorAll(".snapshot")].map((snapshot) => [...snapshot.querySelectorAll("img")]);
  const buttons = [...$("moments").querySelectorAll("button")];
  const pins = [...document.querySelectorAll(".pin")];
  const canvases = [...box.querySelectorAll(".frames")];
  const TALLEST = 0.66; // of the window's height: the controls below stay in sight
  const LEVELS = ["1", "2", "4", "fit"]; // of two that are as large the first is taken
  const state = {
    moment: 0, view: "slider", zoom: "fit", split: 0.5, left: 0, right: 1, gain: data.gain, x: 0.5, y: 0.5, playing: false,
  };
  document.documentElement.classList.add("js");

  // Where things are. A picture's place is (x, y), the share of it that lies in the middle of the box.
  function geometry(zoom = state.zoom) {
    const [width, height] = state.playing ? data.clip.size : data.moments[state.moment].size;
    const ratio = window.devicePixelRatio || 1, room = stage.clientWidth, tall = stageHeight(room);
    let fit = Math.min(room * ratio / width, tall * ratio / height);
    if (fit > 1) fit = Math.floor(fit); // whole pixels: every one of the picture's as large as the others
    const scale = (zoom === "fit" ? fit : Number(zoom)) / ratio; // CSS pixels per pixel of the picture
    const whole = [width * scale, height * scale];
    const shown = [Math.floor(Math.min(room, whole[0])), Math.floor(Math.min(tall, whole[1]))];
    return {ratio, room, fit, scale, whole, shown, tall};
  }

  // The same at every zoom and moment, so that nothing below it moves.
  function stageHeight(room) {
    const screen = document.documentElement.clientHeight;
    if (document.fullscreenElement === viewer) return screen - $("controls").offsetHeight;
    const [width, height] = data.moments[data.first].size;
    return Math.round(Math.max(240, Math.min(screen * TALLEST, Math.max(room * height / width, room * 0.9))));
  }

  function offset(share, whole, shown, ratio) {
    const wished = shown / 2 - share * whole;
    return Math.round(Math.min(0, Math.max(shown - whole, wished)) * ratio) / ratio;
  }

  function draw() {
    const g = geometry();
    const wide = g.whole[0] > g.shown[0] + 1 || g.whole[1] > g.shown[1] + 1;
    const slider = state.view === "slider";
    stage.style.height = g.tall + "px";
    Object.assign(box.style, {
      width: g.shown[0] + "px", height: g.shown[1] + "px",
      left: Math.floor((g.room - g.shown[0]) / 2) + "px", top: Math.floor((g.tall - g.shown[1]) / 2) + "px",
    });
    box.classList.toggle("can-pan", wide);
    box.classList.toggle("can-slide", slider && !wide);
    box.classList.toggle("sharp", g.scale * g.ratio >= 1);
    const place = {
      width: g.whole[0] + "px", height: g.whole[1] + "px",
      transform: `translate(${offset(state.x, g.whole[0], g.shown[0], g.ratio)}px, ${offset(state.y, g.whole[1], g.shown[1], g.ratio)}px)`,
    };
    const edge = state.split * g.shown[0];
    snapshots.forEach((snapshot, moment) => snapshot.forEach((image, side) => {
      const on = moment === state.moment && !state.playing && (side === state.left || side === state.right);
      image.classList.toggle("on", on);
      if (!on) return;
      const isRight = side === state.right && state.right !== state.left;
      lay(image, isRight, state.view === "right" && side !== state.right);
    }));
    canvases.forEach((frames) => {
      frames.hidden = !state.playing;
      lay(frames, frames.dataset.side === "right", state.view === "right" && frames.dataset.side === "left");
    });
    function lay(layer, isRight, below) {
      Object.assign(layer.style, place);
      layer.classList.toggle("under", state.view === "difference" || (state.view === "left" && isRight) || below);
      layer.style.zIndex = isRight ? 1 : 0;
      // The clip is in the layer's own pixels, the divider in the box's.
      const cut = edge - offset(state.x, g.whole[0], g.shown[0], g.ratio);
      layer.style.clipPath = isRight && slider ? `inset(0 0 0 ${Math.max(0, cut)}px)` : "";
    }
    canvas.hidden = state.view !== "difference";
    Object.assign(canvas.style, place);
    divider.hidden = !slider;
    divider.style.left = edge + "px";
    divider.style.zIndex = 3;
    const percent = Math.round(state.split * 100);
    divider.setAttribute("aria-valuenow", percent);
    divider.setAttribute("aria-valuetext", `${percent} % ${data.sides[state.left]}, ${100 - percent} % ${data.sides[state.right]}`);
    label();
  }

  function label() {
    const time = state.playing ? data.clip.clock[frame] : data.moments[state.moment].time;
    const left = $("tag-left"), right = $("tag-right");
    left.hidden = state.view === "right";
    right.hidden = state.view === "left" || state.view === "difference";
    left.classList.toggle("neutral", state.view === "difference");
    left.textContent = state.view === "difference" ? `Difference ×${state.gain}` : `${data.sides[state.left]} ${time}`;
    right.textContent = `${data.sides[state.right]} ${time}`;
    left.style.zIndex = right.style.zIndex = 2;
    $("gain-pick").hidden = state.view !== "difference";
    for (const name of ["view", "zoom"]) {
      const input = viewer.querySelector(`input[name=${name}][value="${state[name]}"]`);
      if (!input.checked) input.checked = true;
    }
  }

  function caption() {
    const {time, why, values} = data.moments[state.moment];
    const told = values[(state.right || state.left || 1) - 1];
    const parts = [["b", `${state.moment + 1}  ${time}`], ["span", why]];
    const line = $("caption");
    line.replaceChildren(...parts.map(([tag, text]) => Object.assign(document.createElement(tag), {textContent: text})));
    for (const [name, text] of told) {
      const part = document.createElement("span");
      part.append(name + " ", Object.assign(document.createElement("b"), {textContent: text}));
      line.append(part);
    }
    if (state.view === "difference") {
      line.replaceChildren(line.firstChild, Object.assign(document.createElement("span"), {
        textContent: `Grey: no difference. Where it is lighter or darker than grey, the right side is so, amplified ${state.gain} times.`,
      }));
    }
    $("verdict").textContent = data.verdicts[(state.right || state.left || 1) - 1];
  }

  // The difference of the pictures shown, amplified about mid-grey; made when it is looked at.
  let made = "";
  async function difference() {
    const wanted = [state.moment, state.left, state.right, state.gain].join();
    if (state.view !== "difference" || state.playing || wanted === made) return;
    const pair = [snapshots[state.moment][state.left], snapshots[state.moment][state.right]];
    await Promise.all(pair.map((image) => image.decode()));
    if (wanted !== [state.moment, state.left, state.right, state.gain].join()) return; // changed meanwhile
    drawDifference(pair, data.moments[state.moment].size);
    made = wanted;
  }

  function drawDifference(pair, [width, height]) {
    const [a, b] = pair.map((image) => {
      const context = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, width, height);
    });
    for (let i = 0; i < a.data.length; i += 4) { // a clamped array rounds and clips
      for (let c = i; c < i + 3; c++) a.data[c] = 128 + (b.data[c] - a.data[c]) * state.gain;
    }
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").putImageData(a, 0, 0);
    canvas.setAttribute("aria-label", `Difference of ${data.sides[state.left]} and ${data.sides[state.right]}, amplified ${state.gain} times`);
  }

  // Playing: one frame number for both sides, so that neither can be ahead.
  let frame = 0, loaded = null;
  function load() {
    loaded ??= Promise.all(data.clip.sides.map((side) => Promise.all(side.map(async (bytes) => {
      const image = new Image();
      image.src = "data:image/webp;base64," + bytes;
      await image.decode();
      return image;
    }))));
    return loaded;
  }

  async function play() {
    if (!data.clip) return;
    if (state.playing) return stop();
    const sides = await load();
    const {at, size, moment, times} = data.clip, length = times.at(-1) * times.length / (times.length - 1);
    show(moment);
    const {size: whole} = data.moments[moment], place = [state.x * whole[0], state.y * whole[1]];
    for (const each of [...canvases, canvas]) [each.width, each.height] = size;
    let began;
    const turn = (now) => {
      if (!state.playing) return;
      began ??= now;
      const time = (now - began) / 1000 % length, next = times.findLastIndex((each) => each <= time);
      if (next !== frame) {
        frame = next;
        const pair = [sides[state.left][frame], sides[state.right][frame]];
        canvases.forEach((each, k) => {
          each.getContext("2d").drawImage(pair[k], 0, 0);
          each.dataset.frame = frame;
        });
        if (state.view === "difference") drawDifference(pair, size);
        label();
      }
      requestAnimationFrame(turn);
    };
    made = "";
    $("play").setAttribute("aria-pressed", "true");
    frame = 0;
    set({playing: true, x: (place[0] - at[0]) / size[0], y: (place[1] - at[1]) / size[1]});
    frame = -1; // the first turn draws
    requestAnimationFrame(turn);
  }

  function stop() {
    if (!state.playing) return;
    const {at, size, moment} = data.clip, {size: whole} = data.moments[moment];
    $("play").setAttribute("aria-pressed", "false");
    set({
      playing: false, x: (at[0] + state.x * size[0]) / whole[0], y: (at[1] + state.y * size[1]) / whole[1],
    });
  }

  function set(changes) {
    Object.assign(state, changes);
    state.split = Math.min(1, Math.max(0, state.split));
    const g = geometry(); // a place beyond the edge would have to be walked back before anything moves
    const [mx, my] = [0, 1].map((k) => Math.min(0.5, g.shown[k] / g.whole[k] / 2));
    state.x = Math.min(1 - mx, Math.max(mx, state.x));
    state.y = Math.min(1 - my, Math.max(my, state.y));
    draw();
    if ("moment" in changes || "view" in changes || "gain" in changes || "left" in changes || "right" in changes) caption();
    difference();
  }

  function show(moment) {
    stop();
    const last = snapshots.length - 1;
    const next = Math.min(last, Math.max(0, moment));
    buttons.forEach((button, k) => button.setAttribute("aria-current", String(k === next)));
    pins.forEach((pin, k) => pin.classList.toggle("on", k === next));
    const {left, width} = buttons[next].getBoundingClientRect(), strip = $("moments").getBoundingClientRect();
    if (left < strip.left || left + width > strip.right) $("moments").scrollLeft += left - strip.left - 20;
    set({moment: next});
  }

  function largest() {
    stop();
    const {spot, size} = data.moments[state.moment];
    set({x: spot[0] / size[0], y: spot[1] / size[1], zoom: state.zoom === "fit" || state.zoom === "1" ? "2" : state.zoom});
  }

  // The next zoom in (1) or out (-1); the place of the picture under the pointer stays there.
  function step(way, clientX, clientY) {
    const g = geometry(), larger = (zoom) => way * (geometry(zoom).scale - g.scale) > 1e-6;
    const next = LEVELS.filter(larger).sort((a, b) => way * (geometry(a).scale - geometry(b).scale))[0];
    if (next === undefined) return false;
    const {left, top, width, height} = box.getBoundingClientRect(), {whole} = geometry(next);
    const change = {zoom: next};
    if (clientX !== undefined) {
      const away = [clientX - left - width / 2, clientY - top - height / 2];
      const middle = [state.x, state.y].map((share, k) => (g.shown[k] / 2 - offset(share, g.whole[k], g.shown[k], g.ratio)) / g.whole[k]);
      change.x = middle[0] + away[0] * (1 / g.whole[0] - 1 / whole[0]);
      change.y = middle[1] + away[1] * (1 / g.whole[1] - 1 / whole[1]);
    }
    set(change);
    return true;
  }

  function full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else viewer.requestFullscreen?.();
  }

  // Mouse, pen and touch
  let drag = null, pinch = null;
  const fingers = new Map(); // by pointer
  const spread = () => { // of two fingers: how far apart, and their middle
    const [a, b] = [...fingers.values()];
    return {far: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2};
  };
  box.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    pinch = fingers.size === 2 ? spread().far : null;
    if (pinch !== null && drag) { // the first finger had begun to drag
      set({split: drag.split, x: drag.from[0], y: drag.from[1]});
      drag = null;
    }
    if (!event.isPrimary || event.button !== 0) return;
    const g = geometry();
    const onDivider = divider.contains(event.target) || box.classList.contains("can-slide");
    if (!onDivider && !box.classList.contains("can-pan")) return;
    drag = {slides: onDivider, x: event.clientX, y: event.clientY, from: [state.x, state.y], split: state.split, whole: g.whole};
    box.setPointerCapture(event.pointerId);
    if (onDivider) slideTo(event.clientX);
    (onDivider ? divider : box).focus({preventScroll: true, focusVisible: false});
    event.preventDefault();
  });
  box.addEventListener("pointermove", (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    if (pinch !== null) {
      const {far, x, y} = spread(), way = far > 1.3 * pinch ? 1 : far < pinch / 1.3 ? -1 : 0;
      if (way) {
        pinch = far;
        step(way, x, y);
      }
      return;
    }
    if (!drag || !event.isPrimary) return;
    if (drag.slides) slideTo(event.clientX);
    else set({x: drag.from[0] - (event.clientX - drag.x) / drag.whole[0], y: drag.from[1] - (event.clientY - drag.y) / drag.whole[1]});
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    box.addEventListener(name, (event) => {
      drag = null;
      if (name !== "lostpointercapture") fingers.delete(event.pointerId);
      if (fingers.size !== 2) pinch = null;
    });
  }
  function slideTo(clientX) {
    const {left, width} = box.getBoundingClientRect();
    set({split: (clientX - left) / width});
  }
  box.addEventListener("dblclick", (event) => {
    if (event.target.closest(".knob")) return; // elsewhere the first press has brought the divider here
    if (state.zoom !== "fit") return set({zoom: "fit"});
    const {left, top} = box.getBoundingClientRect(), {whole} = geometry();
    set({zoom: "2", x: (event.clientX - left) / whole[0], y: (event.clientY - top) / whole[1]});
  });

  let wheeled = 0, since = 0;
  box.addEventListener("wheel", (event) => {
    const way = event.deltaY < 0 ? 1 : -1, before = wheeled;
    const more = LEVELS.some((zoom) => way * (geometry(zoom).scale - geometry().scale) > 1e-6);
    if (!more && way < 0) return; // the page scrolls on
    event.preventDefault();
    if (event.timeStamp - since > 300 || Math.sign(before) === way) wheeled = 0;
    since = event.timeStamp;
    wheeled += event.deltaMode === 0 ? event.deltaY : 60 * event.deltaY; // lines or pages: a notch
    if (Math.abs(wheeled) < 50) return; // touchpads send many small ones
    wheeled = 0;
    step(way, event.clientX, event.clientY);
  }, {passive: false});

  // Keyboard
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.01;
    const to = {
      ArrowLeft: state.split - step, ArrowDown: state.split - step, ArrowRight: state.split + step, ArrowUp: state.split + step,
      PageDown: state.split - 0.1, PageUp: state.split + 0.1, Home: 0, End: 1,
    }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    set({split: to});
    event.preventDefault();
    event.stopPropagation();
  });
  const keys = {
    "0": () => set({zoom: "fit"}), "1": () => set({zoom: "1"}), "2": () => set({zoom: "2"}), "4": () => set({zoom: "4"}),
    "+": () => step(1), "=": () => step(1), "-": () => step(-1),
    x: flip, s: () => set({view: "slider"}), d: () => set({view: state.view === "difference" ? "slider" : "difference"}),
    l: largest, ",": () => show(state.moment - 1), ".": () => show(state.moment + 1), p: play, f: full,
  };
  function flip() {
    set({view: state.view === "right" ? "left" : "right"});
  }
  function arrow(event) {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!way) return false;
    if (box.classList.contains("can-pan")) {
      const {whole} = geometry(), far = event.shiftKey ? 200 : 40;
      set({x: state.x + way[0] * far / whole[0], y: state.y + way[1] * far / whole[1]});
    } else if (way[0] && state.view === "slider") {
      set({split: state.split + way[0] * (event.shiftKey ? 0.1 : 0.01)});
    } else return false;
    return true;
  }
  document.addEventListener("keydown", (event) => { // wherever the focus is
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
    const act = keys[event.key.toLowerCase()];
    if (act) {
      if (!event.repeat || "+=-,.".includes(event.key)) act();
      return event.preventDefault();
    }
    // What has the focus has its own use of Space and arrows; so has the page where the picture is out of sight.
    const {top, bottom} = stage.getBoundingClientRect();
    if (event.target.closest("button, summary, a, input, .scroll") || bottom < 0 || top > window.innerHeight) return;
    if (event.key === " ") flip();
    else if (!arrow(event)) return;
    event.preventDefault();
  });

  // Controls
  viewer.addEventListener("change", ({target}) => {
    if (target.name === "view" || target.name === "zoom") set({[target.name]: target.value});
    else if (target.id === "gain") set({gain: Number(target.value)});
    else if (target.id === "left" || target.id === "right") set({[target.id]: Number(target.value)});
  });
  $("spot").addEventListener("click", largest);
  $("play")?.addEventListener("click", play);
  $("full").hidden = !document.fullscreenEnabled;
  $("full").addEventListener("click", full);
  document.addEventListener("fullscreenchange", () => {
    $("full").setAttribute("aria-pressed", String(document.fullscreenElement === viewer));
    set({});
  });
  buttons.forEach((button, moment) => button.addEventListener("click", () => {
    show(moment);
    stage.scrollIntoView({block: "nearest"}); // the buttons may be below the fold of the picture
  }));
  $("gain").value = String(state.gain);
  if (data.sides.length > 2) { // the names, which may be long, stand in the lists beside it
    $("name-left").textContent = "Left";
    $("name-right").textContent = "Right";
  }
  new ResizeObserver(draw).observe(stage);
  window.addEventListener("resize", draw);

  // Plots: the value under the pointer
  for (const plot of document.querySelectorAll(".plot")) {
    const chart = plot.querySelector(".chart"), output = plot.querySelector("output"), cursor = plot.querySelector(".cursor");
    const points = JSON.parse(plot.dataset.points), usual = output.textContent;
    chart.addEventListener("pointermove", (event) => {
      const {left, width} = chart.firstElementChild.getBoundingClientRect(), at = (event.clientX - left) / width;
      const nearest = points.reduce((best, point) => Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best);
      output.textContent = `${nearest[2]} at ${nearest[1]}`;
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, nearest[0] * 1000);
      cursor.removeAttribute("visibility");
    });
    chart.addEventListener("pointerleave", () => {
      output.textContent = usual;
      cursor.setAttribute("visibility", "hidden");
    });
  }
  show(data.first);
  const opening = geometry(); // large enough to see single pixels
  largest();
  set({zoom: opening.fit < 1 && opening.ratio < 2 ? "1" : "2"});
})();
