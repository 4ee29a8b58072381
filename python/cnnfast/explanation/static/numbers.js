/** Numbers as text, with the minus sign of print. */

/** Few characters, for a cell of a grid: 0.081, −12.3, 4e−7. @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  return size < 1 && size >= 1e-3 ? minus(shortened(value.toFixed(3))) : printed(value, 3);
}

/** Enough digits to follow a sum: 0.812346. @param {number} value */
export function medium(value) {
  return printed(value, 6);
}

/** All digits that distinguish the number from its neighbors in its own precision. @param {number} value */
export function exact(value) {
  return minus(String(value));
}

/** As a term of a sum: "+ 0.5", "− 0.5". @param {number} value @param {(value: number) => string} form */
export function signed(value, form = medium) {
  return value < 0 ? `− ${form(-value)}` : `+ ${form(value)}`;
}

/** A fraction as a percentage: 97.3 %. @param {number} fraction */
export function percent(fraction) {
  const value = 100 * fraction;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${value.toFixed(value >= 99.95 || value === 0 ? 0 : 1)} %`;
}

/** An integer with separated thousands: 1 234 567. @param {number} value */
export function integer(value) {
  return minus(String(value)).replace(/\B(?=(\d{3})+$)/g, " ");
}

function printed(value, digits) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 10 ** digits || size < 1e-3 ? value.toExponential(digits - 2) : value.toPrecision(digits);
  return minus(shortened(text));
}

/** Without zeros at the end of the decimals, and without the plus of an exponent. */
function shortened(text) {
  const [mantissa, exponent] = text.split("e");
  const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return exponent === undefined ? digits : `${digits}e${exponent.replace("+", "")}`;
}

function minus(text) {
  return text.replaceAll("-", "−");
}
