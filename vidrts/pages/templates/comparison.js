"use strict";
// The viewer: two pictures of one moment under a divider, or one of them, or their amplified difference, at one place.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const viewer = $("viewer"), stage = $("stage"), box = $("box"), divider = $("divider"), canvas = $("difference");
  const snapshots = [...box.querySelectorAll(".snapshot")].map((snapshot) => [...snapshot.querySelectorAll("img")]);
  const buttons = [...$("moments").querySelectorAll("button")];
  const pins = [...document.querySelectorAll(".pin")];
  const TALLEST = 0.66; // of the window's height: the controls below stay in sight
  const state = {moment: 0, view: "slider", zoom: "fit", split: 0.5, left: 0, right: 1, gain: data.gain, x: 0.5, y: 0.5};
  document.documentElement.classList.add("js");

  // Where things are. A picture's place is (x, y), the share of it that lies in the middle of the box.
  function geometry() {
    const {size: [width, height]} = data.moments[state.moment];
    const ratio = window.devicePixelRatio || 1;
    const room = stage.clientWidth, tall = Math.max(240, Math.round(window.innerHeight * TALLEST));
    let fit = Math.min(room * ratio / width, tall * ratio / height);
    if (fit > 1) fit = Math.floor(fit); // whole pixels: every one of the picture's as large as the others
    const scale = (state.zoom === "fit" ? fit : Number(state.zoom)) / ratio; // CSS pixels per pixel of the picture
    const whole = [width * scale, height * scale];
    const shown = [Math.floor(Math.min(room, whole[0])), Math.floor(Math.min(tall, whole[1]))];
    const least = Math.floor(Math.min(tall, height * fit / ratio));
    return {width, height, ratio, room, scale, whole, shown, tall: Math.max(shown[1], least)};
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
      const on = moment === state.moment && (side === state.left || side === state.right);
      image.classList.toggle("on", on);
      if (!on) return;
      Object.assign(image.style, place);
      const isRight = side === state.right && state.right !== state.left;
      const hidden = state.view === "difference" || (state.view === "left" && isRight) || (state.view === "right" && side !== state.right);
      image.classList.toggle("under", hidden);
      image.style.zIndex = isRight ? 1 : 0;
      // The clip is in the image's own pixels, the divider in the box's.
      const cut = edge - offset(state.x, g.whole[0], g.shown[0], g.ratio);
      image.style.clipPath = isRight && slider ? `inset(0 0 0 ${Math.max(0, cut)}px)` : "";
    }));
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
    const {time} = data.moments[state.moment];
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
      line.append(Object.assign(document.createElement("span"), {
        textContent: `Grey: no difference. Where it is lighter or darker than grey, the right side is so, amplified ${state.gain} times.`,
      }));
    }
  }

  // The difference of the pictures shown, amplified about mid-grey; made when it is looked at.
  let made = "";
  async function difference() {
    const wanted = [state.moment, state.left, state.right, state.gain].join();
    if (state.view !== "difference" || wanted === made) return;
    const pair = [snapshots[state.moment][state.left], snapshots[state.moment][state.right]];
    await Promise.all(pair.map((image) => image.decode()));
    if (wanted !== [state.moment, state.left, state.right, state.gain].join()) return; // changed meanwhile
    const [width, height] = data.moments[state.moment].size;
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
    made = wanted;
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
    const last = snapshots.length - 1;
    const next = Math.min(last, Math.max(0, moment));
    buttons.forEach((button, k) => button.setAttribute("aria-current", String(k === next)));
    pins.forEach((pin, k) => pin.classList.toggle("on", k === next));
    const {left, width} = buttons[next].getBoundingClientRect(), strip = $("moments").getBoundingClientRect();
    if (left < strip.left || left + width > strip.right) $("moments").scrollLeft += left - strip.left - 20;
    set({moment: next});
  }

  function largest() {
    const {spot, size} = data.moments[state.moment];
    set({x: spot[0] / size[0], y: spot[1] / size[1], zoom: state.zoom === "fit" || state.zoom === "1" ? "2" : state.zoom});
  }

  // Mouse, pen and touch
  let drag = null;
  box.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const g = geometry();
    const onDivider = divider.contains(event.target) || box.classList.contains("can-slide");
    if (!onDivider && !box.classList.contains("can-pan")) return;
    drag = {slides: onDivider, x: event.clientX, y: event.clientY, from: [state.x, state.y], whole: g.whole};
    box.setPointerCapture(event.pointerId);
    if (onDivider) slideTo(event.clientX);
    (onDivider ? divider : box).focus({preventScroll: true, focusVisible: false});
    event.preventDefault();
  });
  box.addEventListener("pointermove", (event) => {
    if (!drag || !event.isPrimary) return;
    if (drag.slides) slideTo(event.clientX);
    else set({x: drag.from[0] - (event.clientX - drag.x) / drag.whole[0], y: drag.from[1] - (event.clientY - drag.y) / drag.whole[1]});
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) box.addEventListener(name, () => { drag = null; });
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
  box.addEventListener("keydown", (event) => {
    const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (event.target !== box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (way && box.classList.contains("can-pan")) {
      const {whole} = geometry(), step = event.shiftKey ? 200 : 40;
      set({x: state.x + way[0] * step / whole[0], y: state.y + way[1] * step / whole[1]});
      event.preventDefault();
    } else if (event.key === " ") {
      set({view: state.view === "right" ? "left" : "right"});
      event.preventDefault();
    }
  });
  viewer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
    const key = event.key.toLowerCase();
    if (key === "0") set({zoom: "fit"});
    else if ("124".includes(key) && key) set({zoom: key});
    else if (key === "d") set({view: state.view === "difference" ? "slider" : "difference"});
    else if (key === "s") set({view: "slider"});
    else if (key === "l") largest();
    else if (key === ",") show(state.moment - 1);
    else if (key === ".") show(state.moment + 1);
    else return;
    event.preventDefault();
  });

  // Controls
  viewer.addEventListener("change", ({target}) => {
    if (target.name === "view" || target.name === "zoom") set({[target.name]: target.value});
    else if (target.id === "gain") set({gain: Number(target.value)});
    else if (target.id === "left" || target.id === "right") set({[target.id]: Number(target.value)});
  });
  $("spot").addEventListener("click", largest);
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
})();
