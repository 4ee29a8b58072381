/** Small charts as SVG: the curve of a function, a histogram. */
import { svg } from "cnnfast/dom.js";
import { medium, short } from "cnnfast/numbers.js";

const [WIDTH, HEIGHT] = [280, 170];

/**
 * A function, with the point of one value on it.
 *
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {{x: number, y: number}|null} point
 */
export function curve(xs, ys, point = null) {
  const [left, right] = [xs[0], xs[xs.length - 1]];
  const [low, high] = [Math.min(0, ...ys), Math.max(0.5, ...ys)];
  const across = (x) => (WIDTH * (x - left)) / (right - left);
  const up = (y) => HEIGHT - 8 - ((HEIGHT - 16) * (y - low)) / (high - low);
  const path = Array.from(xs, (x, i) => `${i ? "L" : "M"}${across(x).toFixed(1)} ${up(ys[i]).toFixed(1)}`).join("");
  const inside = point && point.x >= left && point.x <= right;
  const label = point ? `The curve; f(${medium(point.x)}) = ${medium(point.y)}` : "The curve of the function";
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label },
    line("axis", 0, up(0), WIDTH, up(0)),
    line("axis", across(0), 0, across(0), HEIGHT),
    text(2, up(0) - 4, short(left)),
    text(WIDTH - 2, up(0) - 4, short(right), "end"),
    text(across(0) + 4, 12, short(high)),
    svg("path", { d: path, class: "curve" }),
    inside ? line("guide", across(point.x), up(0), across(point.x), up(point.y)) : [],
    inside ? svg("circle", { cx: across(point.x), cy: up(point.y), r: 5, class: "point" }) : [],
  );
}

/** @param {{counts: number[], edges: number[]}} histogram @param {string} label */
export function histogram({ counts, edges }, label) {
  const most = Math.max(...counts, 1);
  const width = WIDTH / counts.length;
  const bars = counts.map((count, i) => {
    const height = ((HEIGHT - 30) * count) / most;
    return svg("rect", { x: i * width, y: HEIGHT - 18 - height, width: Math.max(1, width - 1), height, class: "fill" });
  });
  const ends = [edges[0], edges[edges.length - 1]];
  return svg(
    "svg",
    {
      class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img",
      "aria-label": `${label}, from ${medium(ends[0])} to ${medium(ends[1])}, at most ${most} in a bar`,
    },
    bars,
    text(2, HEIGHT - 4, short(ends[0])),
    text(WIDTH - 2, HEIGHT - 4, short(ends[1]), "end"),
    text(2, 11, `${most}`),
  );
}

function line(kind, x1, y1, x2, y2) {
  return svg("line", { x1, y1, x2, y2, class: kind });
}

function text(x, y, content, anchor = "start") {
  return svg("text", { x, y, "text-anchor": anchor }, content);
}
