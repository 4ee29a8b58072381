/** Curves on a canvas. */

import { sized } from "./maps.js";
import { medium, percent } from "./numbers.js";

/**
 * @param {HTMLCanvasElement} canvas @param {Array<[number, number]>} points step and value
 * @param {{smooth?: number, top?: number, isPercent?: boolean}} options smooth: points that are averaged
 */
export function drawCurve(canvas, points, { smooth = 1, top = null, isPercent = false } = {}) {
  const box = canvas.parentElement.getBoundingClientRect();
  const [width, height, left, bottom] = [Math.max(120, box.width), 180, 54, 22];
  const context = sized(canvas, width, height);
  const style = getComputedStyle(canvas);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = style.getPropertyValue("--quiet");
  const most = top ?? Math.max(1e-6, ...points.map(([, value]) => value));
  const last = Math.max(1, points.at(-1)?.[0] ?? 1);
  const x = (step) => left + ((width - left - 8) * step) / last;
  const y = (value) => 6 + (height - bottom - 6) * (1 - Math.min(value, most) / most);
  for (const part of [0, 0.5, 1]) {
    context.globalAlpha = 0.3;
    context.fillRect(left, y(part * most), width - left - 8, 1);
    context.globalAlpha = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(isPercent ? percent(part * most) : medium(Number((part * most).toPrecision(2))), left - 6, y(part * most));
  }
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText(`step ${last}`, width - 8, height);
  if (points.length === 0) return;
  context.strokeStyle = style.getPropertyValue("--accent");
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (let i = 0; i < points.length; i++) {
    const part = points.slice(Math.max(0, i - smooth + 1), i + 1);
    context.lineTo(x(points[i][0]), y(part.reduce((sum, [, value]) => sum + value, 0) / part.length));
  }
  context.stroke();
}
